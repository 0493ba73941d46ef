// HookCall: one question in flight, in the operator's own location.
#pragma once

#include <string>

#include "ngx/hook.hpp"
#include "ngx/own_subrequest.hpp"

namespace oauth {

class HookCall final : public OwnSubrequest {
 public:
  HookCall(ngx_http_request_t* parent, const HookPlan& plan, const HookPlan::Target& target,
           const std::string& question) noexcept;

  // Once in its own location; where that then leads it (rewrite, error_page, try_files) is the
  // operator's affair.
  ngx_int_t arrive() noexcept override;

 private:
  bool carry() noexcept;
  Result<FetchReply> judge(ngx_int_t rc) override;

  const HookPlan& plan_;
  const HookPlan::Target& target_;
  const std::string& question_;
};

}  // namespace oauth
