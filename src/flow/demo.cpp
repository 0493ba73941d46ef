#include "oauth/flow/demo.hpp"

#include "oauth/base/text.hpp"
#include "oauth/flow/answer.hpp"

namespace oauth {

Task<Verdict> demo(const Request& in, Ports& io) {
  const Provider* provider = in.broker.provider(in.name);
  if (provider == nullptr || provider->type != ProviderType::demo) {
    co_return deny(Problem::provider_unknown);
  }
  if (!in.local) {
    co_return deny(Problem::demo_not_local);
  }
  const auto form = Form::parse(in.query);
  if (!form || form->get("state").empty()) {
    co_return deny_alike(Problem::state_missing);
  }
  const std::string_view state = form->get("state");
  const auto attempt = open_attempt(state, in.broker, io.clock.now());
  if (!attempt) {
    co_return deny_alike(attempt.problem());
  }
  const std::string callback = in.broker.callback_url(*provider);
  std::vector<Choice> choices;
  for (const DemoUser& user : provider->users) {
    const std::string query = FormWriter().add("code", user.email).add("state", state).text();
    choices.push_back({callback + "?" + query, user.name, user.email});
  }
  const std::string cancel = FormWriter().add("error", "access_denied").add("state", state).text();
  choices.push_back({callback + "?" + cancel, "Cancel", ""});
  Verdict verdict = answer_page(200, choice_page("Demo: who are you?", choices), Opener::maybe);
  verdict.flow_id = attempt->flow_id;
  verdict.provider = provider->name;
  co_return verdict;
}

}  // namespace oauth
