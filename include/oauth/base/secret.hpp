// Everything that needs a key or a random byte and is not JOSE: CSPRNG, SHA-256, HMAC, HKDF,
// constant-time equality, a string that wipes itself, and sealing (XAES-256-GCM, C2SP).
// The only file beside src/jose that sees OpenSSL. Inputs and outputs are raw bytes.
// Errors: a library failure is Problem::internal; functions that yield no Result can only run out
// of memory (std::bad_alloc). The OpenSSL error queue is left empty after every call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/result.hpp"

namespace oauth {

// Bytes that are overwritten before their memory is given back. Move only; never printed.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes) : bytes_(bytes) {}
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }
  // Takes the string over instead of copying it, and leaves no copy behind.
  static Secret adopt(std::string&& bytes) noexcept;

  std::string_view bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return bytes_.empty(); }

 private:
  void wipe() noexcept;
  std::string bytes_;
};

// `count` bytes of the operating system's generator, by way of OpenSSL (fork-safe).
Result<std::string> random_bytes(std::size_t count);

std::string sha256(std::string_view bytes);                               // 32 bytes
std::string hmac_sha256(std::string_view key, std::string_view message);  // 32 bytes
// RFC 5869 with SHA-256, empty salt; `length` at most 255 * 32.
Secret hkdf_sha256(std::string_view key, std::string_view info, std::size_t length);
// False at once only when the lengths differ (lengths are not secret here).
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

// C2SP XAES-256-GCM with one key, which is set up once. For one thread.
class XaesKey {
 public:
  // Problem::internal unless `key` has 32 bytes.
  static Result<XaesKey> make(std::string_view key);
  XaesKey(XaesKey&&) noexcept;
  XaesKey& operator=(XaesKey&&) noexcept;
  ~XaesKey();

  // Ciphertext || 16-byte tag. Problem::internal unless `nonce` has 24 bytes.
  Result<std::string> seal(std::string_view nonce, std::string_view plaintext,
                           std::string_view aad) const;
  // The plaintext; seal_forged where seal() did not make it with these.
  Result<std::string> open(std::string_view nonce, std::string_view sealed,
                           std::string_view aad) const;

 private:
  struct Ready;
  explicit XaesKey(std::unique_ptr<const Ready> ready) noexcept;
  std::unique_ptr<const Ready> ready_;
};

// What a sealed blob is for. Each purpose has an HKDF key of its own, so a blob of one can never be
// opened as another.
enum class Purpose : std::uint8_t { attempt, code, refresh, form_post, session, demo, otp };

// The context a blob is sealed in; bound as associated data, never stored in it.
struct SealContext {
  Purpose purpose;
  std::string_view broker;     // the broker's URL, byte for byte
  std::string_view store_key;  // for stored values; empty for blobs that travel
};

// A key of HMAC-SHA-256 that is used again and again: OpenSSL sets it up once. For one thread.
class HmacKey;

// The master secrets of `oauth_secret`, first one seals, all open.
// Blob = version(1) || key id(4) || nonce(24) || ciphertext || tag(16), raw bytes. Every key is
// HKDF(secret, "oauth/v1 ..."), the id the first 4 bytes of "oauth/v1 key id". Associated data =
// version || key id || purpose || length-prefixed broker || length-prefixed store key.
// Plaintext = issued(8, big endian) || expires(8) || payload; times are seconds since the epoch.
class Keyring {
 public:
  struct Opened {
    Secret payload;
    std::int64_t issued = 0;   // s
    std::int64_t expires = 0;  // s
  };

  // Problem::weak_secret: fewer than 32 bytes, or no secret at all.
  static Result<Keyring> make(const std::vector<Secret>& secrets);
  Keyring(Keyring&&) noexcept = default;
  Keyring& operator=(Keyring&&) noexcept = default;

  Result<std::string> seal(const SealContext& context, std::string_view payload,
                           std::int64_t issued, std::int64_t expires) const;
  // seal_malformed: too short or another version. seal_unknown_key: the key id is not ours (only
  // the named key is ever tried). seal_forged: authentication failed. seal_expired: `now` is past
  // `expires` (+ `skew` s), or `issued` lies more than `skew` in the future.
  Result<Opened> open(const SealContext& context, std::string_view blob, std::int64_t now,
                      std::int64_t skew) const;

  // HMAC-SHA-256 under a key of its own over length-prefixed parts, base64url: names for store
  // entries that tell nothing. Made with the first secret; `index`, less than size(), picks an
  // older one (rotation).
  std::string name(std::initializer_list<std::string_view> parts, std::size_t index = 0) const;
  std::size_t size() const noexcept { return keys_.size(); }
  // The ids, hex, for the keyset fingerprint that nodes compare. Not secret.
  std::vector<std::string> key_ids() const;

 private:
  struct Key {
    std::array<std::uint8_t, 4> id{};
    std::shared_ptr<HmacKey> naming;  // copies of a keyring may share it: it is but a key
    std::vector<XaesKey> purposes;    // indexed by Purpose
  };
  Keyring() = default;
  std::vector<Key> keys_;
};

// A secret file's content. Printable ASCII loses one final newline; what is then hex of 32 bytes or
// more is that, else what is base64 or base64url of 32 bytes or more is that, else the text itself.
// Anything else is raw, all of it. Problem::weak_secret: fewer than 32 bytes.
Result<Secret> decode_secret(std::string_view file);

}  // namespace oauth
