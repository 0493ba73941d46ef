#include "oauth/jose/pkey.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <optional>

#include "jose/openssl.hpp"
#include "oauth/base/text.hpp"
#include "oauth/jose/signature.hpp"

namespace oauth {
namespace {

using Memory = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;

struct Curve {
  std::string_view crv;    // RFC 7518 6.2.1.1
  std::string_view group;  // OpenSSL's name for it
  std::size_t size;        // bytes of a coordinate
  Alg alg;
};
constexpr std::array kCurves{
    Curve{"P-256", "prime256v1", 32, Alg::es256},
    Curve{"P-384", "secp384r1", 48, Alg::es384},
    Curve{"P-521", "secp521r1", 66, Alg::es512},
};
constexpr AlgSet kRsa{Alg::rs256, Alg::rs384, Alg::rs512, Alg::ps256, Alg::ps384, Alg::ps512};
constexpr std::size_t kEd25519Size = 32;

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // beyond, one verification costs milliseconds
constexpr int kMaxClientRsaBits = 4096;
constexpr std::size_t kMaxPem = 64 * 1024;

// `why` gets the text, the caller returns the problem.
Problem refuse(std::string_view& why, Problem problem, std::string_view text) {
  why = text;
  return problem;
}

Pkey share(EVP_PKEY* key) {
  return {key, EVP_PKEY_free};
}
Pkey build(const char* type, OSSL_PARAM* params);
Pkey build_point(const char* type, std::string_view group, std::string point);
bool is_valid_point(EVP_PKEY& key);
bool halves_match(const Pkey& key, AlgSet algs);
std::string_view rsa_weakness(const BIGNUM& n, const BIGNUM& e);
bool has_roca_fingerprint(const BIGNUM& n);
const Curve* find_curve(std::string_view Curve::*name, std::string_view value);
const Curve* curve_of(const EVP_PKEY& key);
BigNumber number_of(std::string_view bytes);
BigNumber number_in(const EVP_PKEY& key, const char* name);
std::string base64url_of(const BIGNUM& number, std::size_t size);
std::string_view content(const Memory& memory);

}  // namespace

// ---- public keys from numbers ---------------------------------------------------------------

Result<Pkey> make_rsa(std::string_view n, std::string_view e, std::string_view& why) {
  const QuietErrors quiet;
  const BigNumber modulus = number_of(n);
  const BigNumber exponent = number_of(e);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (modulus == nullptr || exponent == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return refuse(why, Problem::key_malformed, "n or e is not a number");
  }
  // Before OpenSSL builds anything from numbers of that size.
  if (const std::string_view text = rsa_weakness(*modulus, *exponent); !text.empty()) {
    return refuse(why, Problem::key_weak, text);
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  Pkey key = params == nullptr ? nullptr : build("RSA", params.get());
  if (key == nullptr) {
    return refuse(why, Problem::key_malformed, "n and e are no RSA key");
  }
  return key;
}

Result<Pkey> make_ec(std::string_view crv, std::string_view x, std::string_view y,
                     std::string_view& why) {
  const QuietErrors quiet;
  const Curve* curve = find_curve(&Curve::crv, crv);
  if (curve == nullptr) {
    return refuse(why, Problem::key_malformed, "unknown crv");
  }
  // RFC 7518 6.2.1.2: as long as the field, leading zeros included.
  if (x.size() != curve->size || y.size() != curve->size) {
    return refuse(why, Problem::key_malformed, "x or y is not as long as the field");
  }
  // SEC 1 2.3.3: an uncompressed point. RFC 8725 3.4: it must lie on its curve.
  Pkey key = build_point("EC", curve->group, std::string("\x04").append(x).append(y));
  if (key == nullptr || !is_valid_point(*key)) {
    return refuse(why, Problem::key_malformed, "the point is not on its curve");
  }
  return key;
}

Result<Pkey> make_ed25519(std::string_view x, std::string_view& why) {
  const QuietErrors quiet;
  Pkey key = build_point("ED25519", {}, std::string(x));
  if (key == nullptr) {
    return refuse(why, Problem::key_malformed, "x is no Ed25519 key");
  }
  return key;
}

Result<Pkey> generate_p256() {
  const QuietErrors quiet;
  Pkey key = share(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  return key == nullptr ? Result<Pkey>(Problem::internal) : std::move(key);
}

Result<Pkey> generate_rsa() {
  const QuietErrors quiet;
  Pkey key = share(EVP_RSA_gen(2048));
  return key == nullptr ? Result<Pkey>(Problem::internal) : std::move(key);
}

// ---- PEM and DER ----------------------------------------------------------------------------

Result<Pkey> read_private_pem(std::string_view pem, std::string_view& why) {
  const QuietErrors quiet;
  const Memory memory(
      pem.size() > kMaxPem ? nullptr : BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // Without a callback OpenSSL would ask the terminal for a password.
  constexpr auto kNoPassword = [](char*, int, int, void*) { return -1; };
  Pkey key = memory == nullptr
                 ? nullptr
                 : share(PEM_read_bio_PrivateKey(memory.get(), nullptr, kNoPassword, nullptr));
  if (key == nullptr) {
    return refuse(why, Problem::key_malformed, "not an unencrypted private key in PEM");
  }
  const Result<AlgSet> algs = algs_of(*key, why);
  if (!algs) {
    return algs.problem();
  }
  if (!halves_match(key, *algs)) {
    return refuse(why, Problem::key_malformed, "the halves of the key do not belong together");
  }
  return key;
}

Result<Pkey> read_client_der(std::string_view der) {
  const QuietErrors quiet;
  // RFC 3279 2.3.1: SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING }; from 2048 bit on the
  // outer header takes four bytes. OpenSSL's decoders of other types never see what clients send.
  constexpr std::string_view kRsaEncryption(
      "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15);
  if (der.size() < 4 || der.substr(4, kRsaEncryption.size()) != kRsaEncryption) {
    return Problem::public_key_refused;
  }
  const unsigned char* in = bytes_of(der);
  Pkey key = share(d2i_PUBKEY(nullptr, &in, static_cast<long>(der.size())));
  if (key == nullptr || in != bytes_of(der) + der.size()) {
    return Problem::public_key_refused;
  }
  const BigNumber n = number_in(*key, OSSL_PKEY_PARAM_RSA_N);
  const BigNumber e = number_in(*key, OSSL_PKEY_PARAM_RSA_E);
  if (n == nullptr || e == nullptr || !rsa_weakness(*n, *e).empty() ||
      BN_num_bits(n.get()) > kMaxClientRsaBits || BN_is_word(e.get(), RSA_F4) != 1) {
    return Problem::public_key_refused;
  }
  return key;
}

Secret write_private_pem(const evp_pkey_st& key) {
  const QuietErrors quiet;
  const Memory memory(BIO_new(BIO_s_mem()));
  if (memory == nullptr || PEM_write_bio_PKCS8PrivateKey(memory.get(), &key, nullptr, nullptr, 0,
                                                         nullptr, nullptr) != 1) {
    return Secret();
  }
  return Secret(content(memory));
}

std::string write_public_der(const evp_pkey_st& key) {
  const QuietErrors quiet;
  const Memory memory(BIO_new(BIO_s_mem()));
  if (memory == nullptr || i2d_PUBKEY_bio(memory.get(), &key) != 1) {
    return {};
  }
  return std::string(content(memory));
}

// ---- judging and taking apart ---------------------------------------------------------------

Result<AlgSet> algs_of(const evp_pkey_st& key, std::string_view& why) {
  const QuietErrors quiet;
  if (EVP_PKEY_is_a(&key, "RSA") == 1) {
    const BigNumber n = number_in(key, OSSL_PKEY_PARAM_RSA_N);
    const BigNumber e = number_in(key, OSSL_PKEY_PARAM_RSA_E);
    if (n == nullptr || e == nullptr) {
      return refuse(why, Problem::key_malformed, "n or e is missing");
    }
    if (const std::string_view text = rsa_weakness(*n, *e); !text.empty()) {
      return refuse(why, Problem::key_weak, text);
    }
    return kRsa;
  }
  if (const Curve* curve = curve_of(key); curve != nullptr) {
    return AlgSet{curve->alg};
  }
  if (EVP_PKEY_is_a(&key, "ED25519") == 1) {
    return AlgSet{Alg::eddsa};
  }
  return refuse(why, Problem::key_malformed, "not RSA, P-256, P-384, P-521 or Ed25519");
}

std::vector<std::pair<std::string_view, std::string>> required_members(const evp_pkey_st& key) {
  const QuietErrors quiet;
  if (EVP_PKEY_is_a(&key, "ED25519") == 1) {
    std::string x(kEd25519Size, '\0');
    std::size_t size = x.size();
    EVP_PKEY_get_raw_public_key(&key, reinterpret_cast<unsigned char*>(x.data()), &size);
    return {{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", base64url_encode(x)}};
  }
  if (const Curve* curve = curve_of(key); curve != nullptr) {
    const BigNumber x = number_in(key, OSSL_PKEY_PARAM_EC_PUB_X);
    const BigNumber y = number_in(key, OSSL_PKEY_PARAM_EC_PUB_Y);
    if (x == nullptr || y == nullptr) {
      return {};
    }
    return {{"crv", std::string(curve->crv)},
            {"kty", "EC"},
            {"x", base64url_of(*x, curve->size)},
            {"y", base64url_of(*y, curve->size)}};
  }
  const BigNumber n = number_in(key, OSSL_PKEY_PARAM_RSA_N);
  const BigNumber e = number_in(key, OSSL_PKEY_PARAM_RSA_E);
  if (n == nullptr || e == nullptr) {
    return {};
  }
  // RFC 7518 6.3.1.1: as few octets as hold the number.
  return {{"e", base64url_of(*e, static_cast<std::size_t>(BN_num_bytes(e.get())))},
          {"kty", "RSA"},
          {"n", base64url_of(*n, static_cast<std::size_t>(BN_num_bytes(n.get())))}};
}

namespace {

// RFC 7518 3.3 and 3.5 set the floor; empty when both numbers will do.
std::string_view rsa_weakness(const BIGNUM& n, const BIGNUM& e) {
  if (BN_num_bits(&n) < kMinRsaBits) {
    return "RSA modulus under 2048 bit";
  }
  if (BN_num_bits(&n) > kMaxRsaBits) {
    return "RSA modulus over 8192 bit";
  }
  if (!BN_is_odd(&n)) {
    return "RSA modulus is even";
  }
  // FIPS 186-5 A.1.1: 2^16 < e. OpenSSL itself takes no more than 64 bit with large moduli.
  if (!BN_is_odd(&e) || BN_num_bits(&e) < 17 || BN_num_bits(&e) > 64) {
    return "RSA exponent is even, under 65537 or over 64 bit";
  }
  if (has_roca_fingerprint(n)) {
    return "RSA modulus can be factored (CVE-2017-15361)";
  }
  return {};
}

// The chips in question made primes that are powers of 65537 modulo every small prime, so their
// products are too. Of the primes up to 167 these have residues that are none; one healthy modulus
// in 2^27 passes for one of theirs.
bool has_roca_fingerprint(const BIGNUM& n) {
  for (BN_ULONG prime : {11U, 13U, 17U, 19U, 37U, 53U, 61U, 71U, 73U, 79U, 97U, 103U, 107U, 109U,
                         127U, 151U, 157U}) {
    const BN_ULONG residue = BN_mod_word(&n, prime);
    BN_ULONG power = 1;
    for (BN_ULONG i = 1; i < prime && power != residue; ++i) {
      power = power * 65537 % prime;
    }
    if (power != residue) {
      return false;
    }
  }
  return true;
}

// A public key of `type` from its parameters; null when OpenSSL refuses them.
Pkey build(const char* type, OSSL_PARAM* params) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    return nullptr;
  }
  return share(key);
}

// `group` is empty for Ed25519. OSSL_PARAM wants pointers to non-const and writes through none.
Pkey build_point(const char* type, std::string_view group, std::string point) {
  std::string name(group);
  std::array<OSSL_PARAM, 3> params{
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end(),
      OSSL_PARAM_construct_end(),
  };
  if (!name.empty()) {
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0);
  }
  return build(type, params.data());
}

// OpenSSL 3 checks the equation when it decodes the point; this says so whatever a later one does.
bool is_valid_point(EVP_PKEY& key) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, &key, nullptr));
  return context != nullptr && EVP_PKEY_public_check(context.get()) == 1;
}

// A file whose public half is another key's would sign what nobody can verify.
bool halves_match(const Pkey& key, AlgSet algs) {
  constexpr std::string_view kProbe = "do the halves belong together?";
  for (Alg alg : kAlgs) {
    if (algs.has(alg)) {
      const std::string signature = Signer(key).make(alg, kProbe);
      return Verifier(key).check(alg, kProbe, signature);
    }
  }
  return false;
}

const Curve* find_curve(std::string_view Curve::*name, std::string_view value) {
  for (const Curve& curve : kCurves) {
    if (curve.*name == value) {
      return &curve;
    }
  }
  return nullptr;
}

const Curve* curve_of(const EVP_PKEY& key) {
  std::array<char, 32> group{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(&key, group.data(), group.size(), &size) != 1) {
    return nullptr;
  }
  return find_curve(&Curve::group, {group.data(), size});
}

BigNumber number_of(std::string_view bytes) {
  return BigNumber(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

BigNumber number_in(const EVP_PKEY& key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(&key, name, &number);
  return BigNumber(number);
}

std::string base64url_of(const BIGNUM& number, std::size_t size) {
  std::string bytes(size, '\0');
  BN_bn2binpad(&number, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size));
  return base64url_encode(bytes);
}

// A view, so that a private key is copied into its Secret only; OpenSSL wipes its own.
std::string_view content(const Memory& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return size > 0 ? std::string_view(data, static_cast<std::size_t>(size)) : std::string_view();
}

}  // namespace
}  // namespace oauth
