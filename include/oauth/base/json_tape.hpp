// JsonTape: a reader for the JSON of tokens, which every request brings: it accepts exactly what
// Json::parse accepts, with the same values (t/fuzz/json_tape.cpp holds one against the other), and
// allocates nothing unless the text has more than kInline values or a string with an escape.
#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "oauth/base/json_view.hpp"
#include "oauth/base/result.hpp"

namespace oauth {

class JsonTape {
 public:
  static constexpr std::size_t kInline = 64;

  JsonTape() noexcept = default;
  JsonTape(const JsonTape&) = delete;
  JsonTape& operator=(const JsonTape&) = delete;

  // json_invalid or json_too_large, as Json::parse; root() is null then. Views into what was read
  // before are void.
  Check parse(std::string_view text, Json::Limits limits);
  Check parse(std::string_view text) { return parse(text, Json::Limits{}); }
  JsonView root() const noexcept { return used_ == 0 ? JsonView() : JsonView(nodes_); }

 private:
  using Node = JsonView::Node;
  class Reader;

  std::array<Node, kInline> inline_;  // not initialised: most are never used
  std::vector<Node> grown_;
  Node* nodes_ = inline_.data();
  std::size_t room_ = kInline;
  std::size_t used_ = 0;
  std::unique_ptr<char[]> unescaped_;  // the strings that are spelled otherwise than they read
};

// What Json::parse_object() gives, in a third of the time.
Result<Json> read_object(std::string_view text);

}  // namespace oauth
