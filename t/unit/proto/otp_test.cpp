#include "oauth/proto/otp.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "oauth/base/text.hpp"
#include "proto/support.hpp"

namespace oauth::test {
namespace {

Broker otp_broker(std::string_view url = "https://auth.example.com") {
  Broker at = broker(url);
  at.otp.emplace();
  at.otp->send_via = "/mail";
  return at;
}

OtpTicket ticket() {
  OtpTicket ticket;
  ticket.id = sha256("id").substr(0, 16);
  ticket.email = "ann@example.com";
  ticket.origin = "https://app.example.com";
  ticket.flow_id = "0123456789abcdef0123456789abcdef";
  ticket.expires = kNow + 600;
  return ticket;
}

std::string sealed(const Broker& at, const OtpTicket& of = ticket()) {
  const auto text = seal_otp_ticket(of, at, kNow);
  EXPECT_TRUE(text);
  return text ? *text : std::string();
}

std::string reason(const Result<OtpTicket>& opened) {
  return opened ? "" : std::string(name(opened.problem()));
}

TEST(Email, OnePlainAddressIsTakenInLowerCase) {
  const std::map<std::string, std::string> good{
      {"ann@example.com", "ann@example.com"},
      {"Ann.B+tag@Mail.Example.COM", "ann.b+tag@mail.example.com"},
      {"o'neil_{x}@a-b.example", "o'neil_{x}@a-b.example"},
      {std::string(64, 'a') + "@b.example", std::string(64, 'a') + "@b.example"},
      {"1@2.example", "1@2.example"},
  };
  for (const auto& [text, address] : good) {
    const auto email = plain_email(text);
    EXPECT_EQ(email ? *email : "", address) << text;
  }
}

TEST(Email, WhatTwoReadersCouldTakeForTwoIsNone) {
  const std::string long_domain =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c');
  for (const std::string& text :
       std::vector<std::string>{"",
                                "ann",
                                "@example.com",
                                "ann@",
                                "a@b@c.example",
                                "ann@localhost",
                                "ann@.example",
                                "ann@example.",
                                "ann@exa..mple",
                                "ann@-a.example",
                                "ann@a-.example",
                                "ann@[127.0.0.1]",
                                "ann@exam_ple.com",
                                ".ann@b.example",
                                "ann.@b.example",
                                "a..n@b.example",
                                "a@b.example as c@d.example",
                                "a@b.example,c@d.example",
                                "a@b.example;c@d.example",
                                "a@b.example c@d.example",
                                "\"a b\"@b.example",
                                "<a@b.example>",
                                "Ann <a@b.example>",
                                "a(x)@b.example",
                                "a:b@c.example",
                                "a\\@b.example",
                                " a@b.example",
                                "a@b.example ",
                                "a@b.example\r\nBcc: c@d.example",
                                "a@b.example\n",
                                "a\t@b.example",
                                std::string("a\0@b.example", 12),
                                "a@b.example%0a",
                                "\xC3\xA4@b.example",
                                "a@\xC3\xA4.example",
                                "a\x7F@b.example",
                                std::string(65, 'a') + "@b.example",
                                "a@" + std::string(64, 'b') + ".example",
                                std::string(63, 'x') + "@" + long_domain}) {
    const auto email = plain_email(text);
    EXPECT_FALSE(email) << text;
    EXPECT_TRUE(email || email.problem() == Problem::email_refused);
  }
  EXPECT_TRUE(plain_email(std::string(61, 'x') + "@" + long_domain)) << "254 bytes are a mailbox";
}

TEST(Email, ItsUserIsNamedByItAndVerified) {
  EXPECT_EQ(email_identity("ann@example.com").claims().dump(),
            R"({"sub":"email:ann@example.com","email":"ann@example.com","email_verified":true,)"
            R"("name":"ann@example.com"})");
}

TEST(Otp, OnlyDomainsAndRulesOfTheOperatorMayUseIt) {
  Broker at = otp_broker();
  EXPECT_TRUE(may_use_otp(at, "ann@example.com"));
  at.otp->email_domains = {"example.com", "example.org"};
  EXPECT_TRUE(may_use_otp(at, "ann@example.org"));
  EXPECT_FALSE(may_use_otp(at, "ann@sub.example.com"));
  EXPECT_FALSE(may_use_otp(at, "ann@badexample.com"));
  std::string why;
  at.allow = AllowRules({*AllowRule::parse("email=Ann@example.com", &why)});
  EXPECT_TRUE(may_use_otp(at, "ann@example.com"));
  EXPECT_FALSE(may_use_otp(at, "bob@example.com"));
}

TEST(Otp, EverySymbolIsUnmistakableAndAsLikelyAsTheOthers) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) {
    every_byte += static_cast<char>(byte);
  }
  std::map<char, int> seen;
  for (const char symbol : make_otp(every_byte)) {
    seen[symbol]++;
  }
  EXPECT_EQ(seen.size(), 32U);
  for (const auto& [symbol, times] : seen) {
    EXPECT_EQ(times, 8) << symbol;
    EXPECT_EQ(std::string("0O1Io").find(symbol), std::string::npos) << symbol;
    EXPECT_FALSE(symbol >= 'a' && symbol <= 'z') << symbol;
  }
  EXPECT_EQ(make_otp("12345678").size(), 8U);
}

TEST(Otp, IsReadInEitherCaseAndNothingElseIsOne) {
  EXPECT_EQ(typed_otp("ABCDEFGH"), "ABCDEFGH");
  EXPECT_EQ(typed_otp("abcdefgh"), "ABCDEFGH");
  EXPECT_EQ(typed_otp("234567"), "234567");
  for (const std::string_view text :
       {"", "ABCDE", "ABCDEFGHJKLMNPQRS", "ABCDEFG0", "ABCDEFGO", "ABCDEFG1", "ABCDEFGI",
        "ABCDEFGi", "ABCD EFGH", "ABCDEFG-", "ABCDEFG\xC3"}) {
    EXPECT_FALSE(typed_otp(text)) << text;
  }
}

TEST(OtpTicket, ComesBackAsItWasSealed) {
  const Broker at = otp_broker();
  const auto opened = open_otp_ticket(sealed(at), at, kNow + 600);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->id, ticket().id);
  EXPECT_EQ(opened->email, ticket().email);
  EXPECT_EQ(opened->origin, ticket().origin);
  EXPECT_EQ(opened->flow_id, ticket().flow_id);
  EXPECT_EQ(opened->expires, ticket().expires);
}

TEST(OtpTicket, EndsWithItsCode) {
  const Broker at = otp_broker();
  EXPECT_EQ(reason(open_otp_ticket(sealed(at), at, kNow + 600 + at.skew + 1)), "seal_expired");
}

TEST(OtpTicket, OfAnotherBrokerPurposeOrKeyIsNone) {
  const Broker at = otp_broker();
  const std::string text = sealed(at);
  EXPECT_EQ(reason(open_otp_ticket(text, otp_broker("https://b.example.com"), kNow)),
            "seal_forged");
  Broker other = otp_broker();
  other.keyring = keyring({"other"});
  EXPECT_EQ(reason(open_otp_ticket(text, other, kNow)), "seal_unknown_key");
  const auto opened =
      at.keyring->open({Purpose::otp, at.url, {}}, *base64url_decode(text), kNow, 0);
  ASSERT_TRUE(opened);
  const auto refresh =
      at.keyring->seal({Purpose::refresh, at.url, {}}, opened->payload.bytes(), kNow, kNow + 600);
  EXPECT_EQ(reason(open_otp_ticket(base64url_encode(*refresh), at, kNow)), "seal_forged");
}

TEST(OtpTicket, WhatIsNoneIsRefused) {
  const Broker at = otp_broker();
  const std::string good = sealed(at);
  for (const std::string& text : std::vector<std::string>{"", "x", "====", good + "=",
                                                          good.substr(1), std::string(9000, 'A')}) {
    EXPECT_NE(reason(open_otp_ticket(text, at, kNow)), "") << text;
  }
  const auto more = at.keyring->seal(
      {Purpose::otp, at.url, {}},
      std::string(at.keyring->open({Purpose::otp, at.url, {}}, *base64url_decode(good), kNow, 0)
                      ->payload.bytes()) +
          "more",
      kNow, kNow + 600);
  EXPECT_EQ(reason(open_otp_ticket(base64url_encode(*more), at, kNow)), "seal_malformed");
}

TEST(OtpTicket, LongestAddressAndOriginFit) {
  const Broker at = otp_broker();
  OtpTicket of = ticket();
  of.email = std::string(254, 'a');
  of.origin = "https://" + std::string(253, 'b') + ":65535";
  EXPECT_TRUE(open_otp_ticket(sealed(at, of), at, kNow));
}

TEST(OtpNames, DifferWithEverythingThatTheyAreMadeOf) {
  const Broker at = otp_broker();
  std::set<std::string> all;
  std::size_t made = 0;
  const auto add = [&](const std::string& name) {
    all.insert(name);
    ++made;
  };
  add(otp_names(at, ticket(), "ABCDEFGH").front());
  add(otp_names(at, ticket(), "ABCDEFGJ").front());
  add(otp_names(otp_broker("https://b.example.com"), ticket(), "ABCDEFGH").front());
  for (std::string OtpTicket::*part : {&OtpTicket::id, &OtpTicket::email, &OtpTicket::origin}) {
    OtpTicket other = ticket();
    other.*part += "x";
    add(otp_names(at, other, "ABCDEFGH").front());
  }
  add(otp_resend_name(at, "ann@example.com"));
  add(otp_resend_name(at, "bob@example.com"));
  add(otp_resend_name(otp_broker("https://b.example.com"), "ann@example.com"));
  add(otp_address_tries_name(at, "ann@example.com"));
  add(otp_address_tries_name(at, "bob@example.com"));
  add(otp_tries_name(at, ticket()));
  add(otp_sends_name(at));
  add(otp_sends_name(otp_broker("https://b.example.com")));
  add(otp_decoy_name(at));
  EXPECT_EQ(all.size(), made);
}

TEST(OtpNames, AreThoseOfOlderKeysToo) {
  Broker at = otp_broker();
  const auto before = otp_names(at, ticket(), "ABCDEFGH");
  ASSERT_EQ(before.size(), 1U);
  at.keyring = keyring({"new", "s"});
  const auto after = otp_names(at, ticket(), "ABCDEFGH");
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after[1], before[0]);
}

TEST(OtpMail, SaysWhatTheMailNeedsAndNoMore) {
  EXPECT_EQ(
      otp_mail(ticket(), "ABCDEFGH", "sealed").dump(),
      R"({"email":"ann@example.com","otp":"ABCDEFGH","otp_id":"sealed","expires":1700000600})");
}

}  // namespace
}  // namespace oauth::test
