#include "oauth/proto/icon.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "proto/support.hpp"

namespace oauth {
namespace {

using test::between;
using test::contains;

std::string letter_of(std::string_view display_name) {
  Provider provider = test::provider();
  provider.display_name = display_name;
  return between(icon_svg(provider), "fill=\"#fff\">", "</text>");
}

std::string colour_of(const Provider& provider) {
  return between(icon_svg(provider), "rx=\"11\" fill=\"", "\"");
}

// WCAG 2.2: relative luminance, and the contrast to white.
double contrast_to_white(const std::string& colour) {
  const auto channel = [&](std::size_t at) {
    const double value = std::stoi(colour.substr(at, 2), nullptr, 16) / 255.0;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 1.05 / (0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5) + 0.05);
}

TEST(Icon, ShowsTheFirstLetterOfTheDisplayName) {
  EXPECT_EQ(letter_of("Acme ID"), "A");
  EXPECT_EQ(letter_of("  zebra"), "Z");
  EXPECT_EQ(letter_of("9 lives"), "9");
}

TEST(Icon, TakesAWholeCodePoint) {
  EXPECT_EQ(letter_of("\u00e9cole"), "\u00e9");
  EXPECT_EQ(letter_of("\u65e5\u672c"), "\u65e5");
  EXPECT_EQ(letter_of("\U0001d11e music"), "\U0001d11e");
}

TEST(Icon, EscapesTheLetter) {
  EXPECT_EQ(letter_of("<svg onload=x>"), "&lt;");
  EXPECT_EQ(letter_of("&"), "&amp;");
}

TEST(Icon, TakesTheNameWhereTheDisplayNameHasNoLetter) {
  for (const std::string_view none :
       {"", "   ", "\x01x", "\x7f", "\xff", "\xe2\x82", "\xEF\xBF\xBE", "\xEF\xBF\xBF"}) {
    EXPECT_EQ(first_letter(none), "") << none;
    EXPECT_EQ(letter_of(none), "A") << none;
  }
}

TEST(Icon, TheNameChoosesTheColour) {
  std::set<std::string> colours;
  for (int i = 0; i < 100; ++i) {
    const Provider provider = test::provider("p" + std::to_string(i));
    const std::string colour = colour_of(provider);
    EXPECT_EQ(colour, colour_of(provider));
    colours.insert(colour);
  }
  EXPECT_EQ(colours.size(), 8U);
  for (const std::string& colour : colours) {
    EXPECT_GE(contrast_to_white(colour), 4.5) << colour;
  }
}

TEST(Icon, ABrandHasItsOwnLetterAndColour) {
  std::set<std::string> colours;
  Provider provider = test::provider();
  const std::pair<ProviderType, std::string_view> brands[] = {{ProviderType::google, "G"},
                                                              {ProviderType::github, "G"},
                                                              {ProviderType::microsoft, "M"},
                                                              {ProviderType::apple, "A"},
                                                              {ProviderType::cognito, "C"}};
  for (const auto& [type, letter] : brands) {
    provider.type = type;
    provider.display_name = "Something else";
    EXPECT_EQ(between(icon_svg(provider), "fill=\"#fff\">", "</text>"), letter);
    EXPECT_GE(contrast_to_white(colour_of(provider)), 4.5) << letter;
    colours.insert(colour_of(provider));
  }
  EXPECT_EQ(colours.size(), 5U);
}

TEST(Icon, NeedsNoStyleAndNothingFromElsewhere) {
  const std::string svg = icon_svg(test::provider());
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  for (const std::string_view part : {"style", "href", "url(", "<script", "<image", " on"}) {
    EXPECT_FALSE(contains(svg, part)) << part;
  }
}

TEST(Icon, OfAProviderIsAnAbsoluteUrlWithASourceForThePolicy) {
  EXPECT_EQ(icon_source("https://CDN.example:443/a.svg?x#y"), "https://cdn.example");
  EXPECT_EQ(icon_source("http://localhost:8080/a"), "http://localhost:8080");
  EXPECT_EQ(icon_source("data:image/svg+xml;base64,AA=="), "data:");
  for (const std::string_view none :
       {"", "/icon.svg", "cdn.example/a", "data:text/html,x", "javascript:x", "myapp://x",
        "https://a.example/\n", "data:image/png;\xc3\xa9"}) {
    EXPECT_EQ(icon_source(none), "") << none;
  }
}

}  // namespace
}  // namespace oauth
