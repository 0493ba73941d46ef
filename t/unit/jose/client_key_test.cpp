#include "oauth/jose/client_key.hpp"

#include <gtest/gtest.h>

#include <string>

#include "jose/support.hpp"
#include "oauth/jose/pkey.hpp"

namespace oauth {
namespace {

using test::keys;
using test::outcome;

std::string_view unused_why;

std::string spki(std::string_view modulus, std::string_view exponent) {
  return write_public_der(**make_rsa(modulus, exponent, unused_why));
}

// What the walk says of a DER, by way of the PEM it would come in.
std::string walked(std::string_view der) {
  return outcome(client_key_der(test::public_pem(der)));
}

const std::string kF4("\x01\x00\x01", 3);

TEST(ClientKey, IsReadAsTheDexieClientSendsIt) {
  const std::string der = keys().rsa.public_der();
  const std::string pem = test::public_pem(der);
  EXPECT_EQ(*client_key_der(pem), der);
  EXPECT_EQ(*client_key_der(pem + "\n"), der);
  EXPECT_EQ(*client_key_der(pem + " \r\n\t\n"), der);
  std::string crlf;
  for (char c : pem) {
    crlf.append(c == '\n' ? "\r\n" : std::string(1, c));
  }
  EXPECT_EQ(*client_key_der(crlf), der);
}

TEST(ClientKey, APemWithAnythingElseInItIsRefused) {
  const std::string pem = test::public_pem(keys().rsa.public_der());
  const std::string body = pem.substr(27, pem.size() - 27 - 24);
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("-----BEGIN PUBLIC KEY-----"),
        std::string("-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----"), "x" + pem, "\n" + pem,
        pem + "x", pem + "\n" + pem,
        "-----BEGIN RSA PUBLIC KEY-----\n" + body + "-----END RSA PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\n" + body + "-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nA: b\n\n" + body + "-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n " + body + "-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n" + body.substr(4) + "-----END PUBLIC KEY-----",
        std::string(3000, '\n') + pem,
        "-----BEGIN SECRET KEY-----\n" + body + "-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n" + body + "-----END SECRET KEY-----",
        "-----BEGIN PUBLIC KEY-----" + std::string(3000, '\n') + body + "-----END PUBLIC KEY-----",
        std::string("-----BEGIN PUBLIC KEY-----END PUBLIC KEY-----"), pem + std::string(1, '\0')}) {
    EXPECT_EQ(outcome(client_key_der(text)), "public_key_refused") << text.substr(0, 60);
  }
}

TEST(ClientKey, IsRsaOf2048To4096BitWithExponent65537) {
  EXPECT_EQ(walked(spki(test::odd_number(2048), kF4)), "");
  EXPECT_EQ(walked(spki(test::odd_number(2049), kF4)), "");
  EXPECT_EQ(walked(spki(test::odd_number(3071), kF4)), "");
  EXPECT_EQ(walked(spki(test::odd_number(4096), kF4)), "");
  EXPECT_EQ(walked(spki(test::odd_number(4097), kF4)), "public_key_refused");
  EXPECT_EQ(walked(spki(test::odd_number(2048), std::string("\x01\x00\x03", 3))),
            "public_key_refused");
  EXPECT_EQ(walked(keys().p256.public_der()), "public_key_refused");
  const Pkey small(EVP_RSA_gen(2040), EVP_PKEY_free);
  EXPECT_EQ(walked(write_public_der(*small)), "public_key_refused");
}

TEST(ClientKey, OfAnEvenModulusIsRefused) {
  std::string der = keys().rsa.public_der();
  der[der.size() - 6] = static_cast<char>(der[der.size() - 6] & ~1);  // before 02 03 01 00 01
  EXPECT_EQ(walked(der), "public_key_refused");
}

TEST(ClientKey, CutExtendedOrDamagedIsRefused) {
  const std::string der = keys().rsa.public_der();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_EQ(walked(der.substr(0, size)), "public_key_refused") << size;
  }
  EXPECT_EQ(walked(der + '\0'), "public_key_refused");
  EXPECT_EQ(walked(der + der), "public_key_refused");
}

// The walk may be stricter than OpenSSL's decoder, never more lenient: what it accepts is a key.
TEST(ClientKey, WhatIsAcceptedOpensslCanRead) {
  const std::string der = keys().rsa.public_der();
  for (std::size_t at = 0; at < 40; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = der;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const bool accepted = walked(damaged).empty();
      EXPECT_TRUE(!accepted || read_client_der(damaged)) << at << "." << bit;
      EXPECT_FALSE(at < 32 && accepted) << at << "." << bit;  // headers
    }
  }
}

}  // namespace
}  // namespace oauth
