#include "oauth/proto/icon.hpp"

#include <array>
#include <optional>

#include "oauth/base/secret.hpp"
#include "oauth/base/text.hpp"
#include "oauth/base/uri.hpp"

namespace oauth {
namespace {

constexpr std::size_t kMaxUrl = std::size_t{8} * 1024;

struct Mark {
  std::string letter;
  std::string_view colour;  // at least 4.5:1 against white (WCAG 2.2, 1.4.3)
};

constexpr std::array<std::string_view, 8> kColours{"#1f5fbf", "#8a3ab9", "#b3261e", "#9a4a00",
                                                   "#2e7031", "#00696f", "#5a4fcf", "#a3195b"};

// The same name has the same colour at every broker.
std::string_view colour_of(std::string_view name) {
  const auto byte = static_cast<unsigned char>(sha256(name).front());
  return kColours[byte % kColours.size()];
}

std::optional<Mark> brand_of(ProviderType type) {
  switch (type) {
    case ProviderType::google:
      return Mark{"G", "#1a68d6"};
    case ProviderType::github:
      return Mark{"G", "#24292f"};
    case ProviderType::microsoft:
      return Mark{"M", "#0067b8"};
    case ProviderType::apple:
      return Mark{"A", "#1d1d1f"};
    case ProviderType::cognito:
      return Mark{"C", "#c7254e"};
    default:
      return std::nullopt;
  }
}

Mark mark_of(const Provider& provider) {
  if (auto brand = brand_of(provider.type)) {
    return *std::move(brand);
  }
  std::string letter = first_letter(provider.display_name);
  if (letter.empty()) {
    letter = first_letter(provider.name);
  }
  return {std::move(letter), colour_of(provider.name)};
}

std::size_t length_of_code_point(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

std::string icon_svg(const Provider& provider) {
  const Mark mark = mark_of(provider);
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"48\" height=\"48\" viewBox=\"0 0 48 48\">"
      "<rect x=\"1\" y=\"1\" width=\"46\" height=\"46\" rx=\"11\" fill=\"";
  svg += mark.colour;
  // The pale edge sets a dark square off from a dark page.
  svg +=
      "\" stroke=\"#fff\" stroke-opacity=\".4\" stroke-width=\"2\"/>"
      "<text x=\"24\" y=\"33.5\" text-anchor=\"middle\" font-family=\"system-ui,sans-serif\" "
      "font-size=\"27\" font-weight=\"600\" fill=\"#fff\">";
  svg += html_escape(mark.letter);
  svg += "</text></svg>\n";
  return svg;
}

std::string first_letter(std::string_view display_name) {
  const auto begin = display_name.find_first_not_of(' ');
  if (begin == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = display_name.substr(begin);
  const std::string_view letter = rest.substr(0, length_of_code_point(rest.front()));
  // XML 1.0 2.2: no control character, no U+FFFE and U+FFFF.
  const bool is_control = letter.size() == 1 && !is_printable_ascii(letter);
  if (!is_utf8(letter) || is_control || letter == "\xEF\xBF\xBE" || letter == "\xEF\xBF\xBF") {
    return {};
  }
  const char first = letter.front();
  return first >= 'a' && first <= 'z' ? std::string(1, static_cast<char>(first - 'a' + 'A'))
                                      : std::string(letter);
}

std::string icon_source(std::string_view url) {
  if (url.size() > kMaxUrl || !is_printable_ascii(url)) {
    return {};
  }
  if (url.starts_with("data:image/")) {
    return "data:";
  }
  const auto uri = Uri::parse(url, kMaxUrl);
  return uri && uri->is_http() ? uri->origin() : std::string();
}

}  // namespace oauth
