#include "oauth/flow/icons.hpp"

#include "oauth/flow/answer.hpp"
#include "oauth/proto/icon.hpp"

namespace oauth {

Task<Verdict> icons(const Request& in, Ports&) {
  constexpr std::string_view kSuffix = ".svg";
  std::string_view name = in.name;
  if (!name.ends_with(kSuffix)) {
    co_return deny(Problem::not_found);
  }
  name.remove_suffix(kSuffix.size());
  const Provider* provider = in.broker.provider(name);
  if (provider == nullptr) {
    co_return deny(Problem::provider_unknown);
  }
  Reply reply;
  reply.content_type = "image/svg+xml";
  reply.body = icon_svg(*provider);
  reply.headers.push_back({"Cache-Control", "public, max-age=3600"});
  reply.headers.push_back({"X-Content-Type-Options", "nosniff"});
  // Opened by itself an SVG is a document: this one runs and loads nothing.
  reply.headers.push_back({"Content-Security-Policy", "default-src 'none'"});
  // Applications that ask for isolation (COEP) show it all the same.
  reply.headers.push_back({"Cross-Origin-Resource-Policy", "cross-origin"});
  Verdict verdict;
  verdict.reply = std::move(reply);
  co_return verdict;
}

}  // namespace oauth
