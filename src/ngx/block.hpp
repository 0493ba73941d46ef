// BlockReader: reads a directive's block of members (`oauth_client ID { … }`) by a table of them.
// Every mistake is an [emerg] line with file and line that names block and member. A table's rows
// are BlockMember<T>, or something that has its members and more.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ngx/conf.hpp"

namespace oauth {

using Words = std::vector<std::string_view>;  // a member's values

template <class T>
struct BlockMember {
  std::string_view name;
  std::size_t min;  // values
  std::size_t max;
  bool repeatable;
  // What is wrong with it, to stand behind its name; empty: nothing.
  std::string (*set)(ngx_conf_t* cf, T& block, const Words& words);
};

template <class T, class Member = BlockMember<T>>
class BlockReader {
 public:
  // `title` names it in messages, e.g. `oauth_client "web"`. All must outlive the reading.
  BlockReader(std::string title, T& value, const std::vector<Member>& members)
      : title_(std::move(title)), value_(value), members_(members) {}

  char* read(ngx_conf_t* cf) {
    const ngx_conf_t saved = *cf;
    cf->handler = on_member;
    cf->handler_conf = reinterpret_cast<char*>(this);
    char* parsed = ngx_conf_parse(cf, nullptr);
    // The args array is the parser's own and has moved on; everything else is as before.
    cf->handler = saved.handler;
    cf->handler_conf = saved.handler_conf;
    return parsed;
  }
  // The names of the members that were given.
  const std::set<std::string, std::less<>>& seen() const noexcept { return seen_; }

 private:
  static char* on_member(ngx_conf_t* cf, ngx_command_t*, void* self) {
    return static_cast<BlockReader*>(self)->set(cf);
  }

  char* set(ngx_conf_t* cf) {
    const std::string name(conf_arg(cf, 0));
    const std::string where = "\"" + name + "\" in " + title_ + " ";
    const auto member = std::find_if(members_.begin(), members_.end(),
                                     [&name](const Member& each) { return each.name == name; });
    if (member == members_.end()) {
      return conf_error(cf, where + "is unknown; possible are: " + names());
    }
    if (!seen_.insert(name).second && !member->repeatable) {
      return conf_error(cf, where + "is given twice");
    }
    Words words;
    for (std::size_t i = 1; i < cf->args->nelts; ++i) {
      words.push_back(conf_arg(cf, i));
    }
    if (words.size() < member->min || words.size() > member->max) {
      return conf_error(cf, where + "has the wrong number of values");
    }
    const std::string wrong = member->set(cf, value_, words);
    return wrong.empty() ? static_cast<char*>(NGX_CONF_OK) : conf_error(cf, where + wrong);
  }

  std::string names() const {
    std::string names;
    for (const Member& member : members_) {
      names += (names.empty() ? "" : ", ") + std::string(member.name);
    }
    return names;
  }

  std::string title_;
  T& value_;
  const std::vector<Member>& members_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace oauth
