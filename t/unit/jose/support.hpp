// What the tests of this ring share: fresh keys, hand-made tokens, and the vectors of
// $OAUTH_SHARED.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/base/json.hpp"
#include "oauth/base/json_tape.hpp"
#include "oauth/base/problem.hpp"
#include "oauth/base/text.hpp"
#include "oauth/jose/jwk.hpp"
#include "oauth/jose/jwt.hpp"

namespace oauth {

inline void PrintTo(Problem problem, std::ostream* out) {
  *out << name(problem);
}
inline void PrintTo(Alg alg, std::ostream* out) {
  *out << alg_name(alg);
}

}  // namespace oauth

namespace oauth::test {

// "" for success, else the name of the problem: what tables compare.
template <class T>
std::string outcome(const Result<T>& result) {
  return result ? std::string() : std::string(name(result.problem()));
}

inline std::string pem_of(EVP_PKEY* made) {
  const Pkey key(made, EVP_PKEY_free);
  EXPECT_NE(key, nullptr) << "OpenSSL made no key";
  return key == nullptr ? std::string() : std::string(write_private_pem(*key).bytes());
}
inline std::string rsa_pem(unsigned bits) {
  return pem_of(EVP_RSA_gen(bits));
}
inline std::string ec_pem(const char* group) {
  return pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group));
}
inline std::string ed25519_pem() {
  return pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

inline Key private_key(const std::string& pem, std::string_view kid = {}) {
  return Key::from_private_pem(pem)->with_kid(kid);
}

// One key of each kind, made once a run.
struct Keys {
  Key rsa = private_key(rsa_pem(2048), "rsa");
  Key p256 = private_key(ec_pem("P-256"), "p256");
  Key p384 = private_key(ec_pem("P-384"), "p384");
  Key p521 = private_key(ec_pem("P-521"), "p521");
  Key ed25519 = private_key(ed25519_pem(), "ed25519");

  std::vector<Key> all() const { return {rsa, p256, p384, p521, ed25519}; }
};
inline const Keys& keys() {
  static const Keys kKeys;
  return kKeys;
}

// JSON as the claims of a token are read.
class Taped {
 public:
  explicit Taped(std::string_view text) : text_(text) { EXPECT_TRUE(tape_.parse(text_)) << text; }
  JsonView operator*() const noexcept { return tape_.root(); }
  JsonView get(std::string_view name) const noexcept { return tape_.root().get(name); }

 private:
  std::string text_;
  JsonTape tape_;
};

inline Json json(std::string_view text) {
  Result<Json> value = Json::parse(text, {.bytes = std::size_t{16} << 20, .depth = 32});
  EXPECT_TRUE(value) << text.substr(0, 200);
  return value ? *std::move(value) : Json();
}

inline Key secret_key(std::string_view bytes, std::string_view kid = {}) {
  const Json jwk = Json::object().set("kty", "oct").set("k", base64url_encode(bytes));
  return Key::from_jwk(jwk, true)->with_kid(kid);
}

// As a client sends it: SubjectPublicKeyInfo in lines of 64 characters, no line end behind.
inline std::string public_pem(std::string_view der) {
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  const std::string base64 = base64_encode(der);
  for (std::size_t at = 0; at < base64.size(); at += 64) {
    pem.append(base64.substr(at, 64)).append("\n");
  }
  return pem + "-----END PUBLIC KEY-----";
}

// The numbers of a JWK, for moduli that nobody needs the factors of.
inline std::string odd_number(std::size_t bits) {
  std::string bytes((bits + 7) / 8, '\xab');
  bytes.front() = static_cast<char>(1U << ((bits - 1) % 8));
  bytes.back() = '\x01';
  return bytes;
}

// header "." payload, base64url.
inline std::string signing_input(std::string_view header, std::string_view payload) {
  return base64url_encode(header) + '.' + base64url_encode(payload);
}

// Any header and payload, signed with `key` as `alg` whatever the header says.
inline std::string forge(std::string_view header, std::string_view payload, const Key& key,
                         Alg alg) {
  const std::string input = signing_input(header, payload);
  const Result<std::string> signature = key.sign(alg, input);
  EXPECT_TRUE(signature) << "the test's own key cannot sign";
  return input + '.' + base64url_encode(signature ? *signature : std::string());
}

// Where the public vectors are; empty when they are absent.
inline std::filesystem::path vectors() {
  const char* shared = std::getenv("OAUTH_SHARED");
  const std::filesystem::path here(__FILE__);
  const std::filesystem::path root = here.parent_path().parent_path().parent_path().parent_path();
  std::filesystem::path folder =
      (shared != nullptr ? std::filesystem::path(shared) : root / ".." / "shared") / "vectors";
  return std::filesystem::is_directory(folder) ? folder : std::filesystem::path();
}

inline std::string read_file(const std::filesystem::path& path) {
  const std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

inline std::vector<Json> read_lines(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<Json> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back(json(line));
  }
  return lines;
}

}  // namespace oauth::test

// The first statement of a test that needs vectors; `folder` is the name of a variable.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define OAUTH_NEED_VECTORS(folder)                                                    \
  const std::filesystem::path folder = ::oauth::test::vectors();                      \
  if (folder.empty()) {                                                               \
    GTEST_SKIP() << "no vectors: set OAUTH_SHARED to the folder that holds vectors/"; \
  }                                                                                   \
  static_assert(true)
// NOLINTEND(bugprone-macro-parentheses)
