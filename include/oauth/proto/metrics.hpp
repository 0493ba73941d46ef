// Metrics: names, labels and numbers as `oauth_status` shows them, as the text that Prometheus
// reads (exposition format 0.0.4) or as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oauth {

struct Metric {
  // A counter only grows, until the shared memory is made anew; `seconds` is one of microseconds,
  // shown in seconds.
  enum class Kind : std::uint8_t { counter, seconds, gauge };
  struct Sample {
    std::vector<std::pair<std::string_view, std::string>> labels;
    std::uint64_t value = 0;
  };

  std::string_view name;
  Kind kind = Kind::counter;
  std::string_view help;  // one line
  std::vector<Sample> samples;
};

inline constexpr std::string_view kMetricsTextType = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view kMetricsJsonType = "application/json";

// Metrics without a sample are left out.
std::string metrics_text(const std::vector<Metric>& metrics);
// {"NAME":{"type":"counter","help":"…","samples":[{"labels":{…},"value":1}]}}
std::string metrics_json(const std::vector<Metric>& metrics);

// Whether an Accept header (RFC 9110 12.5.1) names JSON and does not rule it out. Anything else
// gets the text: no version of Prometheus asks for JSON.
bool accepts_json(std::string_view accept);

}  // namespace oauth
