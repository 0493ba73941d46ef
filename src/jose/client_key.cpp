#include "oauth/jose/client_key.hpp"

#include <optional>

#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr std::size_t kMaxPem = 2048;
constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kEnd = "-----END PUBLIC KEY-----";
// RFC 3279 2.3.1: AlgorithmIdentifier { rsaEncryption, NULL }.
constexpr std::string_view kRsaEncryption{
    "\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00", 15};
constexpr std::string_view kExponent{"\x01\x00\x01", 3};

enum Tag : unsigned char { kInteger = 0x02, kBitString = 0x03, kSequence = 0x30 };

// Reads DER (X.690 10.1): definite lengths in their shortest form.
class Der {
 public:
  explicit Der(std::string_view bytes) : rest_(bytes) {}

  // The content of the next element, which must have this tag.
  std::optional<std::string_view> take(Tag tag) {
    if (rest_.size() < 2 || byte(0) != tag) {
      return std::nullopt;
    }
    std::size_t length = byte(1);
    std::size_t header = 2;
    if (length >= 0x80) {
      const std::size_t count = length & 0x7F;
      if (count < 1 || count > 2 || rest_.size() < 2 + count) {
        return std::nullopt;
      }
      length = count == 1 ? byte(2) : byte(2) << 8 | byte(3);
      header += count;
      if (length < (count == 1 ? 0x80U : 0x100U)) {
        return std::nullopt;
      }
    }
    if (rest_.size() - header < length) {
      return std::nullopt;
    }
    const std::string_view content = rest_.substr(header, length);
    rest_.remove_prefix(header + length);
    return content;
  }
  bool skip(std::string_view exactly) {
    if (rest_.substr(0, exactly.size()) != exactly) {
      return false;
    }
    rest_.remove_prefix(exactly.size());
    return true;
  }
  bool at_end() const noexcept { return rest_.empty(); }

 private:
  std::size_t byte(std::size_t at) const noexcept { return static_cast<unsigned char>(rest_[at]); }
  std::string_view rest_;
};

// Positive, in its shortest form, odd, 2048 to 4096 bit.
bool is_modulus(std::string_view integer) noexcept {
  if (!integer.empty() && integer.front() == '\0') {
    integer.remove_prefix(1);
    if (integer.empty() || (integer.front() & 0x80) == 0) {
      return false;
    }
  } else if (!integer.empty() && (integer.front() & 0x80) != 0) {
    return false;
  }
  std::size_t bits = integer.size() * 8;
  for (int mask = 0x80; bits != 0 && (integer.front() & mask) == 0 && mask > 1; mask >>= 1) {
    --bits;
  }
  return bits >= 2048 && bits <= 4096 && (integer.back() & 1) != 0;
}

bool is_rsa_key(std::string_view der) {
  Der outer(der);
  const auto info = outer.take(kSequence);
  if (!info || !outer.at_end()) {
    return false;
  }
  Der fields(*info);
  if (!fields.skip(kRsaEncryption)) {
    return false;
  }
  const auto bits = fields.take(kBitString);
  if (!bits || !fields.at_end() || bits->empty() || bits->front() != '\0') {
    return false;
  }
  Der inner(bits->substr(1));
  const auto key = inner.take(kSequence);
  if (!key || !inner.at_end()) {
    return false;
  }
  Der numbers(*key);
  const auto modulus = numbers.take(kInteger);
  const auto exponent = numbers.take(kInteger);
  return modulus && exponent && numbers.at_end() && is_modulus(*modulus) && *exponent == kExponent;
}

// RFC 7468 13, narrowed: base64 lines between the two boundaries and nothing else.
std::optional<std::string> decode_pem(std::string_view pem) {
  pem = pem.substr(0, pem.find_last_not_of(" \t\r\n") + 1);
  if (pem.size() > kMaxPem || pem.size() < kBegin.size() + kEnd.size() ||
      !pem.starts_with(kBegin) || !pem.ends_with(kEnd)) {
    return std::nullopt;
  }
  pem.remove_prefix(kBegin.size());
  pem.remove_suffix(kEnd.size());
  std::string base64(pem);
  std::erase_if(base64, [](char c) { return c == '\r' || c == '\n'; });
  return base64_decode(base64);
}

}  // namespace

Result<std::string> client_key_der(std::string_view pem) {
  auto der = decode_pem(pem);
  if (!der || !is_rsa_key(*der)) {
    return Problem::public_key_refused;
  }
  return *std::move(der);
}

}  // namespace oauth
