#include "oauth/base/text.hpp"

#include <gtest/gtest.h>

namespace oauth {
namespace {

using Words = std::vector<std::string_view>;

std::string every_byte() {
  std::string bytes;
  for (int c = 0; c < 256; ++c) {
    bytes += static_cast<char>(c);
  }
  return bytes;
}

// ---- base64 and base64url

TEST(Base64, MatchesRfc4648Examples) {
  const std::pair<std::string_view, std::string_view> cases[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"},
                                                                 {"\xFB\xFF", "+/8="}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64url, MatchesRfc7515AppendixC) {
  const std::string_view bytes("\x03\xEC\xFF\xE0\xC1", 5);
  EXPECT_EQ(base64url_encode(bytes), "A-z_4ME");
  EXPECT_EQ(base64url_decode("A-z_4ME"), bytes);
}

TEST(Base64, BringsBackEveryByteAtEveryLength) {
  const std::string all = every_byte();
  for (std::size_t length = 0; length <= all.size(); ++length) {
    const std::string_view bytes = std::string_view(all).substr(0, length);
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
    EXPECT_EQ(base64url_decode(base64url_encode(bytes)), bytes);
  }
}

TEST(Base64, RefusesMissingSurplusAndMisplacedPadding) {
  for (const std::string_view text : {"Zg", "Zg=", "Zg===", "Zm8", "Zm9v=", "Zm9v====", "=",
                                      "==", "====", "Z===", "Zg==Zg==", "=Zg=", "Z=g="}) {
    EXPECT_EQ(base64_decode(text), std::nullopt) << text;
  }
}

TEST(Base64url, RefusesPaddingAndLengthsThatNoBytesHave) {
  for (const std::string_view text : {"Zg==", "Zg=", "Zm8=", "=", "A", "Zm9vA", "Zm9vYmFyA"}) {
    EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
  }
}

TEST(Base64, RefusesUnusedBitsThatAreNotZero) {
  for (const std::string_view text : {"Zh", "Zm9", "A_", "AA_"}) {
    EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
  }
  EXPECT_EQ(base64_decode("Zh=="), std::nullopt);
  EXPECT_EQ(base64_decode("Zm9="), std::nullopt);
}

TEST(Base64, HasExactlyItsAlphabet) {
  for (const char c : every_byte()) {
    const std::string text = std::string("AA") + c + 'A';
    const bool common =
        isalnum(static_cast<unsigned char>(c)) != 0 && static_cast<unsigned char>(c) < 0x80;
    EXPECT_EQ(base64_decode(text).has_value(), common || c == '+' || c == '/') << int{c};
    EXPECT_EQ(base64url_decode(text).has_value(), common || c == '-' || c == '_') << int{c};
  }
}

// Four digits are read at once, and what is left of them by itself.
TEST(Base64url, RefusesAForeignCharacterWhereverItStands) {
  for (const std::size_t length : {2U, 3U, 4U, 6U, 7U, 8U, 11U}) {
    for (std::size_t at = 0; at < length; ++at) {
      int accepted = 0;
      for (const char c : every_byte()) {
        std::string text(length, 'A');
        text[at] = c;
        const auto bytes = base64url_decode(text);
        accepted += bytes ? 1 : 0;
        EXPECT_TRUE(!bytes || base64url_encode(*bytes) == text) << text;
      }
      // The last of two digits has four bits to spare, the last of three two.
      const bool is_last = at + 1 == length;
      EXPECT_EQ(accepted, is_last && length % 4 == 2 ? 4 : is_last && length % 4 == 3 ? 16 : 64);
    }
  }
}

TEST(Base64url, IsReadIntoGivenRoomAndNotBeyondIt) {
  for (std::size_t length = 0; length < 20; ++length) {
    const std::string bytes = every_byte().substr(200, length);
    const std::string text = base64url_encode(bytes);
    ASSERT_EQ(decoded_size(text.size()), length);
    std::string room(length + 1, '!');
    EXPECT_EQ(base64url_decode(text, room.data()), length);
    EXPECT_EQ(room, bytes + '!');
    room.assign(decoded_size(text.size() + 1) + 1, '!');
    EXPECT_EQ(base64url_decode(text + '=', room.data()), std::nullopt);
    EXPECT_EQ(room.back(), '!');
  }
}

// ---- hex, percent, header, HTML

TEST(Hex, IsWrittenInLowerCaseAndReadInEither) {
  EXPECT_EQ(hex_encode(std::string_view("\x00\xAB\xff", 3)), "00abff");
  EXPECT_EQ(hex_decode("00aBFf"), std::string("\x00\xAB\xff", 3));
  EXPECT_EQ(hex_decode(""), "");
  EXPECT_EQ(hex_decode(hex_encode(every_byte())), every_byte());
}

TEST(Hex, RefusesOddLengthsAndOtherCharacters) {
  for (const std::string_view text : {"0", "abc", "0g", "g0", "0x", " 00", "00 ", "-1", "+1"}) {
    EXPECT_EQ(hex_decode(text), std::nullopt) << text;
  }
}

TEST(Percent, EncodesAllButTheUnreservedCharacters) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode(std::string_view("\0 %+/?&=#'\x7F\xC3\xA9", 13)),
            "%00%20%25%2B%2F%3F%26%3D%23%27%7F%C3%A9");
  EXPECT_EQ(percent_decode(percent_encode(every_byte())), every_byte());
}

TEST(Percent, LeavesPlusAndReadsEitherCase) {
  EXPECT_EQ(percent_decode("a+b%2b%2B"), "a+b++");
  EXPECT_EQ(percent_decode("%2525"), "%25");
  EXPECT_EQ(percent_decode(""), "");
}

TEST(Percent, RefusesWhatIsNotTwoHexDigits) {
  for (const std::string_view text :
       {"%", "a%", "%4", "%4g", "%g4", "%%41", "% 41", "%+1", "%u0041"}) {
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
  }
}

TEST(HeaderEncode, LeavesPrintableAsciiButPercent) {
  EXPECT_EQ(header_encode("Ann Lee <a@b.c>; \"x\" +~"), "Ann Lee <a@b.c>; \"x\" +~");
  EXPECT_EQ(header_encode("100%\r\nX: y\t\x7F\xC3\xA9"), "100%25%0D%0AX: y%09%7F%C3%A9");
  const std::string encoded = header_encode(every_byte());
  EXPECT_TRUE(is_printable_ascii(encoded));
  EXPECT_EQ(percent_decode(encoded), every_byte());
}

TEST(HtmlEscape, WritesTheFiveCharactersAsReferences) {
  EXPECT_EQ(html_escape("a<b>&\"'c\xC3\xA9"), "a&lt;b&gt;&amp;&quot;&#39;c\xC3\xA9");
  EXPECT_EQ(html_escape("&amp;"), "&amp;amp;");
}

// ---- ASCII and UTF-8

TEST(PrintableAscii, GoesFromSpaceToTilde) {
  EXPECT_TRUE(is_printable_ascii(""));
  EXPECT_TRUE(is_printable_ascii(" ~"));
  for (const char c : {'\x1F', '\x7F', '\0', '\n', '\t', '\x80', '\xFF'}) {
    EXPECT_FALSE(is_printable_ascii(std::string("a") + c)) << int{c};
  }
}

TEST(Utf8, AcceptsTheFirstAndLastOfEveryLength) {
  for (const std::string_view text :
       {"", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a\xC3\xA9z"}) {
    EXPECT_TRUE(is_utf8(text)) << hex_encode(text);
    EXPECT_TRUE(is_utf8("behind much ASCII" + std::string(text))) << hex_encode(text);
  }
  EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
}

TEST(Utf8, RefusesOverlongsSurrogatesAndWhatIsOutOfRangeOrCutShort) {
  for (const std::string_view text : {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x80\x80",
                                      "\xE0\x9F\xBF",
                                      "\xF0\x80\x80\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFE",
                                      "\xFF",
                                      "\xC2",
                                      "\xE2\x82",
                                      "\xF0\x9F\x98",
                                      "\xC2g",
                                      "\xE2\x82g",
                                      "\xC3\xA9\xA9",
                                      "\xE2\x28\xA1",
                                      "\xF8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << hex_encode(text);
    EXPECT_FALSE(is_utf8("behind much ASCII" + std::string(text))) << hex_encode(text);
  }
}

TEST(Utf8, EndsWhereTheTextEnds) {
  EXPECT_FALSE(is_utf8(std::string_view("\xC3\xA9").substr(0, 1)));
  EXPECT_FALSE(is_utf8(std::string_view("\xF0\x9F\x98\x80").substr(0, 3)));
}

TEST(AsciiCase, ChangesLettersAndNothingElse) {
  EXPECT_EQ(ascii_lower("AZ@[`{az\xC3\x89"), "az@[`{az\xC3\x89");
  EXPECT_TRUE(iequals_ascii("Bearer", "bEARER"));
  EXPECT_TRUE(iequals_ascii("", ""));
  EXPECT_FALSE(iequals_ascii("Bearer", "Beare"));
  EXPECT_FALSE(iequals_ascii("@", "`"));
  EXPECT_FALSE(iequals_ascii("[", "{"));
}

TEST(SplitWords, LeavesEmptyOnesOut) {
  EXPECT_EQ(split_words("a  b"), (Words{"a", "b"}));
  EXPECT_EQ(split_words("  a "), (Words{"a"}));
  EXPECT_EQ(split_words(""), Words{});
  EXPECT_EQ(split_words("   "), Words{});
  EXPECT_EQ(split_words("a,,b c,", ','), (Words{"a", "b c"}));
}

// ---- Form

std::string shown(std::string_view text) {
  const auto form = Form::parse(text);
  if (!form) {
    return "refused";
  }
  std::string out;
  for (const auto& [name, value] : form->fields()) {
    out += '[' + name + '|' + value + ']';
  }
  return out;
}

TEST(Form, DecodesNamesAndValuesInOrder) {
  EXPECT_EQ(shown("b=1&a=2"), "[b|1][a|2]");
  EXPECT_EQ(shown("a+b=c+d&%61%2Bb=%26%3D"), "[a b|c d][a+b|&=]");
  EXPECT_EQ(shown("a=b=c&d"), "[a|b=c][d|]");
  EXPECT_EQ(shown("caf%C3%A9=\xC3\xA9"), "[caf\xC3\xA9|\xC3\xA9]");
  EXPECT_EQ(shown("=x&="), "[|x][|]");
  EXPECT_EQ(shown("a=%0D%0A"), "[a|\r\n]");
}

TEST(Form, SkipsEmptyMembers) {
  EXPECT_EQ(shown(""), "");
  EXPECT_EQ(shown("&&a=1&&b=2&"), "[a|1][b|2]");
}

TEST(Form, RefusesBadPercentNulAndWhatIsNotUtf8) {
  for (const std::string_view text : {"a=%", "a=%4", "%zz=1", "a=1&b=%g0", "a=%00", "%00=a",
                                      "a=%FF", "a=\xFF", "%C3=1", "a=%C3&b=%A9", "a=%ED%A0%80"}) {
    EXPECT_EQ(shown(text), "refused") << text;
  }
  EXPECT_FALSE(Form::parse(std::string_view("a=\0", 3)));
}

TEST(Form, RefusesMoreMembersThanAllowed) {
  EXPECT_TRUE(Form::parse("a&b&&c", 3));
  EXPECT_FALSE(Form::parse("a&b&c&d", 3));
}

TEST(FormField, IsTheOnlyValueOrNone) {
  const auto form = Form::parse("one=1&two=a&two=b&empty=&half=&half=x");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->find("one").count, Form::Count::one);
  EXPECT_EQ(form->get("one"), "1");
  EXPECT_EQ(form->find("two").count, Form::Count::many);
  EXPECT_EQ(form->get("two"), "");
  EXPECT_EQ(form->find("ONE").count, Form::Count::none);
  EXPECT_EQ(form->find("absent").count, Form::Count::none);
}

TEST(FormField, WithoutAValueCountsAsAbsent) {
  const auto form = Form::parse("empty=&half=&half=x");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->find("empty").count, Form::Count::none);
  EXPECT_EQ(form->find("half").count, Form::Count::one);
  EXPECT_EQ(form->get("half"), "x");
}

TEST(FormRepeated, CountsEmptyValuesToo) {
  const auto form = Form::parse("one=1&two=a&two=b&empty=&empty=&half=&half=x");
  ASSERT_TRUE(form);
  EXPECT_FALSE(form->repeated({"one", "absent"}));
  EXPECT_TRUE(form->repeated({"one", "two"}));
  EXPECT_TRUE(form->repeated({"empty"}));
  EXPECT_TRUE(form->repeated({"half"}));
  EXPECT_FALSE(form->repeated({}));
}

TEST(FormRepeated, SeesThroughPercentEncodingOfTheName) {
  const auto form = Form::parse("state=1&st%61te=2");
  ASSERT_TRUE(form);
  EXPECT_TRUE(form->repeated({"state"}));
}

TEST(FormWriter, WritesWhatFormReadsBack) {
  FormWriter writer;
  writer.add("grant_type", "authorization_code").add("a&b=", "c d+%\xC3\xA9").add("", "");
  EXPECT_EQ(writer.text(), "grant_type=authorization_code&a%26b%3D=c%20d%2B%25%C3%A9&=");
  EXPECT_EQ(shown(writer.text()), "[grant_type|authorization_code][a&b=|c d+%\xC3\xA9][|]");
}

TEST(MediaType, IsWhatStandsBeforeTheParametersInLowerCase) {
  EXPECT_EQ(media_type("application/json"), "application/json");
  EXPECT_EQ(media_type("Application/JSON \t; charset=utf-8"), "application/json");
  EXPECT_EQ(media_type("application/json x"), "application/json x");
  EXPECT_EQ(media_type(";application/json"), "");
  EXPECT_EQ(media_type(""), "");
}

}  // namespace
}  // namespace oauth
