#include <algorithm>

#include "ngx/conf.hpp"
#include "ngx/endpoints.hpp"
#include "ngx/reply.hpp"
#include "ngx/request.hpp"
#include "ngx/setters.hpp"
#include "ngx/status.hpp"
#include "oauth/proto/metrics.hpp"

namespace oauth {
namespace {

using Kind = Metric::Kind;
using Sample = Metric::Sample;

std::uint64_t read(const StatusCount& count) noexcept {
  return count.load(std::memory_order_relaxed);
}

std::uint64_t read(const StatusRoot& root, Shared what) noexcept {
  return read(root.shared[static_cast<std::size_t>(what)]);
}

// Sums go on after a worker's end, what it had is gone with it.
std::uint64_t read(const StatusRoot& root, Own what) noexcept {
  const bool is_gauge = what == Own::redis_connections || what == Own::redis_ready;
  std::uint64_t sum = 0;
  for (const WorkerCounts& worker : root.workers) {
    if (!is_gauge || is_alive(worker.owner.load(std::memory_order_relaxed))) {
      sum += read(worker.counts[static_cast<std::size_t>(what)]);
    }
  }
  return sum;
}

void add_refusals(Metric& metric, const StatusRoot::Refusals& refusals,
                  std::string_view endpoint = {}) {
  for (std::size_t i = 0; i < refusals.size(); i++) {
    if (const std::uint64_t value = read(refusals[i]); value != 0) {
      Sample sample{{{"reason", std::string(name(static_cast<Problem>(i)))}}, value};
      if (!endpoint.empty()) {
        sample.labels.insert(sample.labels.begin(), {"endpoint", std::string(endpoint)});
      }
      metric.samples.push_back(std::move(sample));
    }
  }
}

void show_sign_ins(const StatusRoot& root, std::vector<Metric>& out) {
  Metric begun{"oauth_logins_total", Kind::counter, "Logins sent to a provider.", {}};
  Metric ended{"oauth_callbacks_total", Kind::counter, "Logins that ended with a code.", {}};
  for (const StatusRoot::Provider& provider : root.providers) {
    if (provider.name.front() != '\0') {
      const std::string name = provider.name.data();
      begun.samples.push_back({{{"provider", name}}, read(provider.begun)});
      ended.samples.push_back({{{"provider", name}}, read(provider.done)});
    }
  }
  Metric tokens{"oauth_tokens_total", Kind::counter, "Access tokens handed out.", {}};
  for (std::size_t i = 0; i < kGrantNames.size(); i++) {
    tokens.samples.push_back({{{"grant", std::string(kGrantNames[i])}}, read(root.tokens[i])});
  }
  Metric done{"oauth_requests_done_total", Kind::counter, "Requests that an endpoint served.", {}};
  Metric refused{"oauth_requests_refused_total",
                 Kind::counter,
                 "Requests that an endpoint refused, or could not serve.",
                 {}};
  const std::vector<Endpoint>& all = endpoints();
  for (std::size_t i = 0; i < all.size(); i++) {
    done.samples.push_back({{{"endpoint", std::string(all[i].name)}}, read(root.done[i])});
    add_refusals(refused, root.refused[i], all[i].name);
  }
  for (Metric* metric : {&begun, &ended, &tokens, &done, &refused}) {
    out.push_back(std::move(*metric));
  }
}

void show_guards(const StatusRoot& root, std::vector<Metric>& out) {
  out.push_back({"oauth_guard_entered_total",
                 Kind::counter,
                 "Requests that a protected location let in.",
                 {{{{"as", "user"}}, read(root, Own::entered)},
                  {{{"as", "anonymous"}}, read(root, Own::entered_anonymous)}}});
  Metric refused{"oauth_guard_refused_total",
                 Kind::counter,
                 "Requests that a protected location refused.",
                 {}};
  add_refusals(refused, root.guard_refused);
  out.push_back(std::move(refused));
  out.push_back({"oauth_token_cache_hits_total",
                 Kind::counter,
                 "Tokens found in the cache of verified tokens.",
                 {{{}, read(root, Own::cache_hits)}}});
  out.push_back({"oauth_token_cache_misses_total",
                 Kind::counter,
                 "Tokens looked for in vain, and then verified.",
                 {{{}, read(root, Own::cache_misses)}}});
}

void show_remote_store(const StatusRoot& root, const StoreBackend& store,
                       std::vector<Metric>& out) {
  const auto total = [&](std::string_view name, Kind kind, std::string_view help, Shared what) {
    out.push_back({name, kind, help, {{{}, read(root, what)}}});
  };
  total("oauth_store_commands_total", Kind::counter, "Commands that requests sent to Redis.",
        Shared::store_commands);
  total("oauth_store_errors_total", Kind::counter,
        "Of those, the ones without an answer or with an error.", Shared::store_errors);
  total("oauth_store_seconds_total", Kind::seconds, "How long requests waited for them.",
        Shared::store_micros);
  total("oauth_store_queue_refused_total", Kind::counter,
        "Commands refused because too many were waiting for their answers.", Shared::store_refused);
  const std::uint64_t all = read(root, Own::redis_connections);
  const std::uint64_t ready = std::min(all, read(root, Own::redis_ready));
  out.push_back({"oauth_redis_connections",
                 Kind::gauge,
                 "Connections to Redis, of all workers.",
                 {{{{"state", "up"}}, ready}, {{{"state", "down"}}, all - ready}}});
  out.push_back({"oauth_keyset_shared",
                 Kind::gauge,
                 "1 where this node has keys in common with the others of its store.",
                 {{{}, store.has_shared_keys() ? std::uint64_t{1} : std::uint64_t{0}}}});
}

void show_local_store(const StoreBackend& store, std::vector<Metric>& out) {
  Metric blocks{
      "oauth_store_blocks", Kind::gauge, "Places in the shared memory of the store, by share.", {}};
  for (const StoreShare& share : store.shares()) {
    const std::string name(share.name);
    blocks.samples.push_back({{{"share", name}, {"state", "used"}}, share.used});
    blocks.samples.push_back({{{"share", name}, {"state", "free"}}, share.free});
  }
  out.push_back(std::move(blocks));
}

std::vector<Metric> read_status(const MainConf& main) {
  const StatusRoot& root = main.status->root();
  std::vector<Metric> metrics;
  show_sign_ins(root, metrics);
  show_guards(root, metrics);
  if (main.store != nullptr && main.store->is_remote()) {
    show_remote_store(root, *main.store, metrics);
  } else if (main.store != nullptr) {
    show_local_store(*main.store, metrics);
  }
  return metrics;
}

bool wants_json(ngx_http_request_t* r) {
  const std::vector<std::string> accept = header_values(r, "accept");
  return std::any_of(accept.begin(), accept.end(),
                     [](const std::string& value) { return accepts_json(value); });
}

ngx_int_t enter_status(ngx_http_request_t* r) noexcept try {
  if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0) {
    return add_header(r, "Allow", "GET, HEAD") == NGX_OK ? NGX_HTTP_NOT_ALLOWED
                                                         : NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  const ngx_int_t rc = ngx_http_discard_request_body(r);
  if (rc != NGX_OK) {
    return rc;
  }
  const std::vector<Metric> metrics = read_status(main_conf(r));
  const bool json = wants_json(r);
  Reply reply;
  reply.content_type = json ? kMetricsJsonType : kMetricsTextType;
  reply.body = json ? metrics_json(metrics) : metrics_text(metrics);
  reply.headers = {
      {"Cache-Control", "no-store"}, {"Vary", "Accept"}, {"X-Content-Type-Options", "nosniff"}};
  return send_reply(r, reply);
} catch (...) {
  return NGX_HTTP_INTERNAL_SERVER_ERROR;
}

}  // namespace

char* set_status(ngx_conf_t* cf, ngx_command_t*, void*) noexcept {
  auto* location = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  if (location->handler != nullptr) {
    return conf_error(cf, directive(cf) +
                              "stands in a location that has other content: give it a "
                              "location of its own");
  }
  location->handler = enter_status;
  main_conf(cf).shows_status = true;
  return static_cast<char*>(NGX_CONF_OK);
}

}  // namespace oauth
