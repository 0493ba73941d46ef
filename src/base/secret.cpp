#include "oauth/base/secret.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <new>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr std::size_t kHash = SHA256_DIGEST_LENGTH;
constexpr std::size_t kKey = 32;
constexpr std::size_t kNonce = 24;
constexpr std::size_t kTag = 16;
constexpr std::size_t kBlock = 16;
constexpr std::size_t kKeyId = 4;
constexpr std::size_t kTimes = 16;
constexpr std::size_t kMinimum = 32;
constexpr char kVersion = 1;

using Block = std::array<unsigned char, kBlock>;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* cipher) const noexcept { EVP_CIPHER_CTX_free(cipher); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const unsigned char* in(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.empty() ? "" : bytes.data());
}
unsigned char* out(std::string& bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

Problem failed(Problem problem = Problem::internal) noexcept {
  ERR_clear_error();
  return problem;
}

// A hash of bytes in memory fails only for want of memory, and never with a value.
[[noreturn]] void out_of_memory() {
  ERR_clear_error();
  throw std::bad_alloc();
}

bool fits(std::string_view bytes) noexcept {
  return bytes.size() <= INT_MAX - kTag;
}

void append_be64(std::string& to, std::uint64_t value) {
  std::array<char, 8> bytes;
  for (char& byte : bytes) {
    byte = static_cast<char>(value >> 56);
    value <<= 8;
  }
  to.append(bytes.data(), bytes.size());
}

std::int64_t read_be64(std::string_view from) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    value = value << 8 | static_cast<unsigned char>(from[i]);
  }
  return static_cast<std::int64_t>(value);
}

// The whole capacity: a string that was moved from or shortened keeps its bytes past its end.
void wipe_string(std::string& bytes) noexcept {
  bytes.resize(bytes.capacity());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  bytes.clear();
}

// Each part after its length, so that no two lists of parts give the same bytes.
void append_parts(std::string& to, std::initializer_list<std::string_view> parts) {
  std::size_t size = to.size();
  for (const std::string_view part : parts) {
    size += 8 + part.size();
  }
  to.reserve(size);
  for (const std::string_view part : parts) {
    append_be64(to, part.size());
    to += part;
  }
}

// OpenSSL 3 looks an algorithm up by name and under locks each time it is not handed one: once a
// process is enough. They live as long as the process does.
const EVP_CIPHER* aes_256_ecb() {
  static const EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  return kCipher;
}

const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return kCipher;
}

const EVP_MD* sha_256() {
  static const EVP_MD* const kDigest = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return kDigest;
}

bool encrypt_blocks(const Cipher& aes, const unsigned char* blocks, std::size_t count,
                    unsigned char* encrypted) {
  int written = 0;
  return EVP_EncryptUpdate(aes.get(), encrypted, &written, blocks,
                           static_cast<int>(count * kBlock)) == 1;
}

// ---- Keyring

// One HKDF key each. The place in this list is also in the associated data: only append.
constexpr std::array<std::string_view, 7> kPurposes{"attempt", "code", "refresh", "form_post",
                                                    "session", "demo", "otp"};
static_assert(kPurposes.size() == static_cast<std::size_t>(Purpose::otp) + 1);

Secret derive(const Secret& master, std::string_view what, std::size_t length) {
  return hkdf_sha256(master.bytes(), std::string("oauth/v1 ").append(what), length);
}

// The header that stands in front of the blob is bound too, and so is the context.
std::string associated_data(std::string_view header, const SealContext& context) {
  std::string aad(header);
  aad += static_cast<char>(context.purpose);
  append_parts(aad, {context.broker, context.store_key});
  return aad;
}

}  // namespace

// ---- Secret

Secret Secret::adopt(std::string&& bytes) noexcept {
  Secret secret;
  secret.bytes_ = std::move(bytes);
  wipe_string(bytes);  // a short string moves by copying
  return secret;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    other.wipe();
  }
  return *this;
}

void Secret::wipe() noexcept {
  wipe_string(bytes_);
}

// ---- Primitives

Result<std::string> random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (!fits(bytes) || RAND_bytes(out(bytes), static_cast<int>(count)) != 1) {
    return failed();
  }
  return bytes;
}

std::string sha256(std::string_view bytes) {
  std::string digest(kHash, '\0');
  if (EVP_Digest(in(bytes), bytes.size(), out(digest), nullptr, sha_256(), nullptr) != 1) {
    out_of_memory();
  }
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::string tag(kHash, '\0');
  unsigned size = 0;
  if (!fits(key) || HMAC(sha_256(), in(key), static_cast<int>(key.size()), in(message),
                         message.size(), out(tag), &size) == nullptr) {
    out_of_memory();
  }
  return tag;
}

Secret hkdf_sha256(std::string_view key, std::string_view info, std::size_t length) {
  if (length > 255 * kHash) {
    return {};
  }
  // RFC 5869 2.2: no salt is a salt of zeros, which HMAC pads an empty key to.
  const Secret prk = Secret::adopt(hmac_sha256({}, key));
  std::string okm;
  okm.reserve(length + kHash);
  // RFC 5869 2.3: T(n) = HMAC(PRK, T(n-1) || info || n)
  for (char n = 1; okm.size() < length; ++n) {
    std::string message;
    message.reserve(kHash + info.size() + 1);
    message += std::string_view(okm).substr(okm.size() - (okm.empty() ? 0 : kHash));
    message += info;
    message += n;
    const Secret input = Secret::adopt(std::move(message));
    const Secret block = Secret::adopt(hmac_sha256(prk.bytes(), input.bytes()));
    okm += block.bytes();
  }
  okm.resize(length);
  return Secret::adopt(std::move(okm));
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// ---- XAES-256-GCM

// The letters are those of C2SP XAES-256-GCM, "Detailed key derivation algorithm".
struct XaesKey::Ready {
  ~Ready() { OPENSSL_cleanse(k1.data(), k1.size()); }
  Secret derive_key(std::string_view nonce) const;
  Cipher begin(std::string_view nonce, std::string_view aad, bool encrypt) const;

  Cipher aes;  // of whole blocks, under K
  Block k1{};
};

XaesKey::XaesKey(std::unique_ptr<const Ready> ready) noexcept : ready_(std::move(ready)) {}
XaesKey::XaesKey(XaesKey&&) noexcept = default;
XaesKey& XaesKey::operator=(XaesKey&&) noexcept = default;
XaesKey::~XaesKey() = default;

// Steps 1 and 2.
Result<XaesKey> XaesKey::make(std::string_view key) {
  auto ready = std::make_unique<Ready>();
  const Cipher& aes = ready->aes = Cipher(EVP_CIPHER_CTX_new());
  Block& k1 = ready->k1;
  if (key.size() != kKey || aes == nullptr ||
      EVP_EncryptInit_ex(aes.get(), aes_256_ecb(), nullptr, in(key), nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(aes.get(), 0) != 1 ||
      !encrypt_blocks(aes, k1.data(), 1, k1.data())) {
    return failed();
  }
  const int carry = k1[0] >> 7;
  for (std::size_t i = 0; i + 1 < kBlock; ++i) {
    k1[i] = static_cast<unsigned char>(k1[i] << 1 | k1[i + 1] >> 7);
  }
  k1[kBlock - 1] = static_cast<unsigned char>(k1[kBlock - 1] << 1 ^ carry * 0x87);
  return XaesKey(std::move(ready));
}

// Steps 3 to 5; empty when OpenSSL fails.
Secret XaesKey::Ready::derive_key(std::string_view nonce) const {
  std::string blocks;
  for (const char counter : {'\1', '\2'}) {
    blocks += {'\0', counter, 'X', '\0'};
    blocks += nonce.substr(0, 12);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = static_cast<char>(blocks[i] ^ static_cast<char>(k1[i % kBlock]));
  }
  std::string derived(kKey, '\0');
  const bool done = encrypt_blocks(aes, in(blocks), 2, out(derived));
  OPENSSL_cleanse(blocks.data(), blocks.size());
  Secret subkey = Secret::adopt(std::move(derived));
  return done ? std::move(subkey) : Secret();
}

// A cipher with key and nonce set and the associated data taken in; null when OpenSSL fails.
Cipher XaesKey::Ready::begin(std::string_view nonce, std::string_view aad, bool encrypt) const {
  if (nonce.size() != kNonce || !fits(aad)) {
    return nullptr;
  }
  const Secret subkey = derive_key(nonce);
  Cipher gcm(EVP_CIPHER_CTX_new());
  int written = 0;
  if (subkey.empty() || gcm == nullptr ||
      EVP_CipherInit_ex(gcm.get(), aes_256_gcm(), nullptr, in(subkey.bytes()), in(nonce.substr(12)),
                        encrypt ? 1 : 0) != 1 ||
      EVP_CipherUpdate(gcm.get(), nullptr, &written, in(aad), static_cast<int>(aad.size())) != 1) {
    return nullptr;
  }
  return gcm;
}

Result<std::string> XaesKey::seal(std::string_view nonce, std::string_view plaintext,
                                  std::string_view aad) const {
  const Cipher gcm = ready_->begin(nonce, aad, true);
  std::string sealed(plaintext.size() + kTag, '\0');
  unsigned char* const tag = out(sealed) + plaintext.size();
  int written = 0;
  if (gcm == nullptr || !fits(plaintext) ||
      EVP_EncryptUpdate(gcm.get(), out(sealed), &written, in(plaintext),
                        static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(gcm.get(), tag, &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_AEAD_GET_TAG, kTag, tag) != 1) {
    return failed();
  }
  return sealed;
}

Result<std::string> XaesKey::open(std::string_view nonce, std::string_view sealed,
                                  std::string_view aad) const {
  if (sealed.size() < kTag) {
    return Problem::seal_forged;
  }
  const Cipher gcm = ready_->begin(nonce, aad, false);
  const std::string_view ciphertext = sealed.substr(0, sealed.size() - kTag);
  std::string tag(sealed.substr(ciphertext.size()));
  std::string plaintext(ciphertext.size() + kBlock, '\0');
  int written = 0;
  if (gcm == nullptr || !fits(ciphertext) ||
      EVP_DecryptUpdate(gcm.get(), out(plaintext), &written, in(ciphertext),
                        static_cast<int>(ciphertext.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_AEAD_SET_TAG, kTag, out(tag)) != 1) {
    return failed();
  }
  if (EVP_DecryptFinal_ex(gcm.get(), out(plaintext) + ciphertext.size(), &written) != 1) {
    wipe_string(plaintext);
    return failed(Problem::seal_forged);
  }
  plaintext.resize(ciphertext.size());
  return plaintext;
}

// ---- Keyring

class HmacKey {
 public:
  // Null when OpenSSL fails.
  static std::shared_ptr<HmacKey> make(std::string_view key) {
    auto made = std::make_shared<HmacKey>();
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> hmac(
        EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr), &EVP_MAC_free);
    made->mac_.reset(hmac == nullptr ? nullptr : EVP_MAC_CTX_new(hmac.get()));
    char digest[] = "SHA2-256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    const bool ready =
        made->mac_ != nullptr && EVP_MAC_init(made->mac_.get(), in(key), key.size(), params) == 1;
    return ready ? made : nullptr;
  }

  // Begun anew with the same key.
  std::string tag(std::string_view message) {
    std::string made(kHash, '\0');
    std::size_t size = 0;
    if (EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) != 1 ||
        EVP_MAC_update(mac_.get(), in(message), message.size()) != 1 ||
        EVP_MAC_final(mac_.get(), out(made), &size, made.size()) != 1) {
      out_of_memory();
    }
    return made;
  }

 private:
  struct Free {
    void operator()(EVP_MAC_CTX* mac) const noexcept { EVP_MAC_CTX_free(mac); }
  };
  std::unique_ptr<EVP_MAC_CTX, Free> mac_;
};

Result<Keyring> Keyring::make(const std::vector<Secret>& secrets) {
  Keyring ring;
  for (const Secret& master : secrets) {
    if (master.bytes().size() < kMinimum) {
      return Problem::weak_secret;
    }
    Key key;
    const Secret id = derive(master, "key id", kKeyId);
    id.bytes().copy(reinterpret_cast<char*>(key.id.data()), kKeyId);
    key.naming = HmacKey::make(derive(master, "name", kKey).bytes());
    if (key.naming == nullptr) {
      return failed();
    }
    for (const std::string_view purpose : kPurposes) {
      auto sealing =
          XaesKey::make(derive(master, std::string("seal ").append(purpose), kKey).bytes());
      if (!sealing) {
        return sealing.problem();
      }
      key.purposes.push_back(*std::move(sealing));
    }
    ring.keys_.push_back(std::move(key));
  }
  if (ring.keys_.empty()) {
    return Problem::weak_secret;
  }
  return ring;
}

Result<std::string> Keyring::seal(const SealContext& context, std::string_view payload,
                                  std::int64_t issued, std::int64_t expires) const {
  const Key& key = keys_.front();
  const auto nonce = random_bytes(kNonce);
  if (!nonce) {
    return nonce.problem();
  }
  std::string plain;
  plain.reserve(kTimes + payload.size());
  append_be64(plain, static_cast<std::uint64_t>(issued));
  append_be64(plain, static_cast<std::uint64_t>(expires));
  plain += payload;
  const Secret plaintext = Secret::adopt(std::move(plain));

  std::string blob(1, kVersion);
  blob.append(key.id.begin(), key.id.end());
  const auto sealed = key.purposes[static_cast<std::size_t>(context.purpose)].seal(
      *nonce, plaintext.bytes(), associated_data(blob, context));
  if (!sealed) {
    return sealed.problem();
  }
  return blob.append(*nonce).append(*sealed);
}

Result<Keyring::Opened> Keyring::open(const SealContext& context, std::string_view blob,
                                      std::int64_t now, std::int64_t skew) const {
  if (blob.size() < 1 + kKeyId + kNonce + kTimes + kTag || blob[0] != kVersion) {
    return Problem::seal_malformed;
  }
  const std::string_view header = blob.substr(0, 1 + kKeyId);
  const std::string_view nonce = blob.substr(header.size(), kNonce);
  for (const Key& key : keys_) {
    if (!std::equal(key.id.begin(), key.id.end(), in(header.substr(1)))) {
      continue;
    }
    auto plain = key.purposes[static_cast<std::size_t>(context.purpose)].open(
        nonce, blob.substr(header.size() + kNonce), associated_data(header, context));
    if (!plain) {
      return plain.problem();
    }
    const Secret plaintext = Secret::adopt(std::move(*plain));
    const std::int64_t issued = read_be64(plaintext.bytes());
    const std::int64_t expires = read_be64(plaintext.bytes().substr(8));
    if (now - skew > expires || issued > now + skew) {
      return Problem::seal_expired;
    }
    return Opened{Secret(plaintext.bytes().substr(kTimes)), issued, expires};
  }
  return Problem::seal_unknown_key;
}

std::string Keyring::name(std::initializer_list<std::string_view> parts, std::size_t index) const {
  std::string message;
  append_parts(message, parts);
  return base64url_encode(keys_[index].naming->tag(message));
}

std::vector<std::string> Keyring::key_ids() const {
  std::vector<std::string> ids;
  for (const Key& key : keys_) {
    ids.push_back(hex_encode({reinterpret_cast<const char*>(key.id.data()), key.id.size()}));
  }
  return ids;
}

Result<Secret> decode_secret(std::string_view file) {
  const std::string_view line = file.substr(0, file.size() - (file.ends_with('\n') ? 1 : 0));
  if (!is_printable_ascii(line)) {
    // Random bytes: a newline at their end is one of them.
    return file.size() < kMinimum ? Result<Secret>(Problem::weak_secret) : Secret(file);
  }
  for (const auto decode : {hex_decode, base64_decode, base64url_decode}) {
    if (auto bytes = decode(line); bytes) {
      Secret decoded = Secret::adopt(std::move(*bytes));
      if (decoded.bytes().size() >= kMinimum) {
        return decoded;
      }
    }
  }
  return line.size() < kMinimum ? Result<Secret>(Problem::weak_secret) : Secret(line);
}

}  // namespace oauth
