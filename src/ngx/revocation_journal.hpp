// RevocationJournal: the file `revoked` in oauth_state_dir, so that a restart revives nothing. One
// entry a line, `\n` + hex mark + expiry + CRC: a line that was torn, by a full disk or a power
// cut, is ignored and harms no other, because each begins a line of its own. nginx's starting
// process reads and opens it; workers, who may be somebody else, inherit the open file.
//
// What is appended is not synced: a worker would wait for the disk, and all of its requests with
// it. So it survives the end of nginx, but a power cut may lose the last seconds. It gets smaller
// at a start alone: workers cannot make files in that folder, and at a reload those of before still
// append to the old one, where nobody would find it again. Meanwhile it grows by a line for each
// revocation, whether that has expired or not; expired lines take no room in the list.
#pragma once

#include <functional>
#include <string>

#include "ngx/nginx.hpp"
#include "oauth/proto/revocation_list.hpp"

namespace oauth {

class RevocationJournal {
 public:
  explicit RevocationJournal(std::string path) : path_(std::move(path)) {}
  ~RevocationJournal();
  RevocationJournal(const RevocationJournal&) = delete;
  RevocationJournal& operator=(const RevocationJournal&) = delete;

  // Hands every entry to `keep`, which is false where there is no room. No file is an empty one.
  // NGX_ERROR after an [emerg] line.
  using Keep = std::function<bool(const RevocationMark& mark, std::int64_t expires)>;
  ngx_int_t load(const Keep& keep, ngx_log_t* log) const;
  // Writes the file anew with what is in `list`: whole or not at all. Not while anybody has it open
  // to append: workers of before a reload, a binary that is being replaced, another nginx.
  ngx_int_t rewrite(const RevocationList& list, ngx_log_t* log) const;
  ngx_int_t open(ngx_log_t* log);

  // One write. False: it is not known to be kept.
  bool append(const RevocationMark& mark, std::int64_t expires) const noexcept;

 private:
  ngx_int_t replace(const RevocationList& list, ngx_log_t* log) const;

  std::string path_;
  int file_ = -1;
};

}  // namespace oauth
