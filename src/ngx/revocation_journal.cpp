#include "ngx/revocation_journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace oauth {
namespace {

// "\n" + 32 hex + " " + 19 digits + " " + 8 hex.
constexpr std::size_t kMark = 32;
constexpr std::size_t kExpires = 19;
constexpr std::size_t kBody = kMark + 1 + kExpires;
constexpr std::size_t kLine = kBody + 1 + 8;

std::uint32_t checksum(const char* body) noexcept {
  return ngx_crc32_long(reinterpret_cast<u_char*>(const_cast<char*>(body)), kBody);
}

std::string line_of(const RevocationMark& mark, std::int64_t expires) {
  char line[kLine + 2];
  (void)std::snprintf(line, sizeof(line), "\n%016llx%016llx %019lld",
                      static_cast<unsigned long long>(mark[0]),
                      static_cast<unsigned long long>(mark[1]), static_cast<long long>(expires));
  (void)std::snprintf(line + 1 + kBody, sizeof(line) - 1 - kBody, " %08x", checksum(line + 1));
  return line;
}

struct Entry {
  RevocationMark mark;
  std::int64_t expires = 0;
};

// All of `digits`, and nothing else, is the number.
template <typename Number>
bool read_number(std::string_view digits, int base, Number& number) noexcept {
  const char* const end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), end, number, base);
  return error == std::errc() && last == end;
}

// False for what is not a whole line of ours.
bool parse(std::string_view line, Entry& entry) noexcept {
  std::uint32_t crc = 0;
  return line.size() == kLine && read_number(line.substr(kBody + 1), 16, crc) &&
         crc == checksum(line.data()) &&
         read_number(line.substr(0, kMark / 2), 16, entry.mark[0]) &&
         read_number(line.substr(kMark / 2, kMark / 2), 16, entry.mark[1]) &&
         read_number(line.substr(kMark + 1, kExpires), 10, entry.expires);
}

ngx_int_t complain(ngx_log_t* log, const std::string& path, const char* what) {
  ngx_log_error(NGX_LOG_EMERG, log, errno,
                "oauth: cannot %s the list of revoked tokens \"%s\": without it a restart would "
                "revive them",
                what, path.c_str());
  return NGX_ERROR;
}

bool write_all(int file, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

RevocationJournal::~RevocationJournal() {
  if (file_ >= 0) {
    close(file_);
  }
}

ngx_int_t RevocationJournal::load(const Keep& keep, ngx_log_t* log) const {
  std::FILE* file = std::fopen(path_.c_str(), "re");
  if (file == nullptr) {
    return errno == ENOENT ? NGX_OK : complain(log, path_, "read");
  }
  std::size_t broken = 0;
  bool fits = true;
  char buffer[2 * kLine];
  while (fits && std::fgets(buffer, sizeof(buffer), file) != nullptr) {
    std::string_view line(buffer);
    line.remove_suffix(line.ends_with('\n') ? 1 : 0);
    Entry entry;
    if (parse(line, entry)) {
      fits = keep(entry.mark, entry.expires);
    } else if (!line.empty()) {
      broken++;
    }
  }
  const bool failed = std::ferror(file) != 0;
  (void)std::fclose(file);
  if (failed) {
    return complain(log, path_, "read");
  }
  if (!fits) {
    ngx_log_error(NGX_LOG_EMERG, log, 0, "oauth: \"%s\" holds more than %uz revoked tokens",
                  path_.c_str(), RevocationList::kHardLimit);
    return NGX_ERROR;
  }
  if (broken != 0) {
    ngx_log_error(NGX_LOG_WARN, log, 0, "oauth: \"%s\": %uz broken lines were left out",
                  path_.c_str(), broken);
  }
  return NGX_OK;
}

ngx_int_t RevocationJournal::rewrite(const RevocationList& list, ngx_log_t* log) const {
  const int old = ::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (old < 0) {
    return errno == ENOENT ? NGX_OK : complain(log, path_, "open");
  }
  const bool is_ours = flock(old, LOCK_EX | LOCK_NB) == 0;
  const ngx_int_t rc = is_ours ? replace(list, log) : NGX_OK;
  close(old);
  return rc;
}

ngx_int_t RevocationJournal::replace(const RevocationList& list, ngx_log_t* log) const {
  std::string content;
  list.each(
      [&](const RevocationMark& mark, std::int64_t expires) { content += line_of(mark, expires); });
  const std::string temporary = path_ + "." + std::to_string(getpid());
  const int file =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool done = file >= 0 && write_all(file, content) && fsync(file) == 0;
  if (file >= 0) {
    close(file);
  }
  done = done && rename(temporary.c_str(), path_.c_str()) == 0;
  if (done) {
    return NGX_OK;
  }
  (void)complain(log, path_, "write");
  unlink(temporary.c_str());
  return NGX_ERROR;
}

// The lock is that of all processes that inherit the file, for as long as one of them lives.
ngx_int_t RevocationJournal::open(ngx_log_t* log) {
  file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file_ < 0) {
    return complain(log, path_, "open");
  }
  (void)flock(file_, LOCK_SH | LOCK_NB);  // none where the file system has none
  return NGX_OK;
}

// What goes into a file that has no name any more would be read by nobody.
bool RevocationJournal::append(const RevocationMark& mark, std::int64_t expires) const noexcept
    try {
  const std::string line = line_of(mark, expires);
  struct stat status {};
  return write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
         fstat(file_, &status) == 0 && status.st_nlink != 0;
} catch (...) {
  return false;
}

}  // namespace oauth
