#include "oauth/proto/metrics.hpp"

#include "oauth/base/json.hpp"
#include "oauth/base/text.hpp"

namespace oauth {
namespace {

constexpr std::uint64_t kMicros = 1'000'000;  // in a second

std::string_view type_of(Metric::Kind kind) noexcept {
  return kind == Metric::Kind::gauge ? "gauge" : "counter";
}

std::string number(Metric::Kind kind, std::uint64_t value) {
  if (kind != Metric::Kind::seconds) {
    return std::to_string(value);
  }
  const std::string fraction = std::to_string(kMicros + value % kMicros);  // with leading zeros
  return std::to_string(value / kMicros) + "." + fraction.substr(1);
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == text.npos ? std::string_view()
                            : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      text += '\\';
    }
    text += c == '\n' ? "\\n" : std::string(1, c);
  }
  return text;
}

std::string labels_of(const Metric::Sample& sample) {
  std::string text;
  for (const auto& [name, value] : sample.labels) {
    text += text.empty() ? "{" : ",";
    text += std::string(name) + "=\"" + escaped(value) + "\"";
  }
  return text.empty() ? text : text + "}";
}

Json json_of(const Metric& metric) {
  Json samples = Json::array();
  for (const Metric::Sample& sample : metric.samples) {
    Json labels = Json::object();
    for (const auto& [name, value] : sample.labels) {
      labels.set(name, std::string_view(value));
    }
    const double seconds = static_cast<double>(sample.value) / static_cast<double>(kMicros);
    Json value = metric.kind == Metric::Kind::seconds
                     ? Json::of(seconds)
                     : Json::of(static_cast<std::int64_t>(sample.value));
    samples.push(Json::object().set("labels", std::move(labels)).set("value", std::move(value)));
  }
  return Json::object()
      .set("type", type_of(metric.kind))
      .set("help", metric.help)
      .set("samples", std::move(samples));
}

}  // namespace

std::string metrics_text(const std::vector<Metric>& metrics) {
  std::string text;
  for (const Metric& metric : metrics) {
    if (metric.samples.empty()) {
      continue;
    }
    const std::string name(metric.name);
    text += "# HELP " + name + " " + std::string(metric.help) + "\n";
    text += "# TYPE " + name + " " + std::string(type_of(metric.kind)) + "\n";
    for (const Metric::Sample& sample : metric.samples) {
      text += name + labels_of(sample) + " " + number(metric.kind, sample.value) + "\n";
    }
  }
  return text;
}

std::string metrics_json(const std::vector<Metric>& metrics) {
  Json all = Json::object();
  for (const Metric& metric : metrics) {
    if (!metric.samples.empty()) {
      all.set(metric.name, json_of(metric));
    }
  }
  return all.dump();
}

bool accepts_json(std::string_view accept) {
  for (const std::string_view range : split_words(accept, ',')) {
    const std::vector<std::string_view> parts = split_words(range, ';');
    if (parts.empty() || !iequals_ascii(trimmed(parts.front()), kMetricsJsonType)) {
      continue;
    }
    const std::string_view last = trimmed(parts.back());  // RFC 9110 12.4.2: the weight is last
    return !last.starts_with("q=0") || last.find_first_of("123456789") != last.npos;
  }
  return false;
}

}  // namespace oauth
