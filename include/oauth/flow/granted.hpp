// What the flows of the token endpoint's grants share: what they are asked, and what they decide.
// Each grant is a file of its own; flow/token.cpp reads the request, calls one of them and answers.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "oauth/base/problem.hpp"
#include "oauth/flow/request.hpp"
#include "oauth/proto/issue.hpp"

namespace oauth {

struct TokenCall {
  const Request& in;
  std::string origin;               // found allowed; empty: none was sent
  std::vector<std::string> scopes;  // as asked; empty: all that are allowed
};

struct OtpSent {
  std::string id;
};

struct Granted {
  Granted(Problem problem) : what(problem) {}
  Granted(OtpSent sent) : what(std::move(sent)) {}
  Granted(Issue issue) : what(std::move(issue)) {}

  std::variant<Problem, OtpSent, Issue> what;
  std::string refresh_token;  // of an issue: the client's own, if it gets no other
  std::string flow_id;        // of all but an issue, for the log; empty where it is not known
  // For the log alone: what the problem rests on, or why no mail was sent.
  std::optional<Problem> cause;
};

}  // namespace oauth
