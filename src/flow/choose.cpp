#include "oauth/flow/choose.hpp"

#include "oauth/flow/answer.hpp"
#include "oauth/flow/remedy.hpp"
#include "oauth/flow/wish.hpp"

namespace oauth {
namespace {

std::vector<Choice> choices(const Request& in) {
  const std::string query = rewrite_wish(in);
  std::vector<Choice> list;
  for (const Provider* provider : in.broker.providers) {
    const bool is_here = provider->type != ProviderType::demo || in.local;
    if (provider->enabled && is_here) {
      Choice choice;
      choice.href = in.broker.url + "/oauth/login/" + provider->name + "?" + query;
      choice.label = "Sign in with " + provider->display_name;
      choice.icon = in.broker.icon_url(*provider);
      list.push_back(std::move(choice));
    }
  }
  return list;
}

}  // namespace

Task<Verdict> choose(const Request& in, Ports& io) {
  const std::string flow_id = new_flow_id(io);
  const auto wish = read_wish(in);
  if (!wish) {
    co_return deny(wish.problem(), flow_id, Opener::none, remedy(in, wish.problem()));
  }
  const Opener opener = opener_of(wish->delivery);
  if (io.store.known_down()) {
    co_return deny(Problem::store_down, flow_id, opener);
  }
  const std::vector<Choice> list = choices(in);
  if (list.empty()) {
    co_return deny(Problem::provider_unknown, flow_id, opener);
  }
  const std::string lead = "You will return to " + wish->target.origin();
  co_return answer_page(200, choice_page("Sign in", list, lead), opener);
}

}  // namespace oauth
