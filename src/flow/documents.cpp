#include "oauth/flow/documents.hpp"

namespace oauth {
namespace {

constexpr std::int64_t kPoll = 20;  // ms between two looks while another request fetches

// A lease that ends with its holder: a client that leaves must not hold up the others.
class HeldLease {
 public:
  HeldLease(Documents& documents, std::string_view url) : documents_(documents), url_(url) {}
  HeldLease(const HeldLease&) = delete;
  HeldLease& operator=(const HeldLease&) = delete;
  ~HeldLease() {
    if (held_) {
      documents_.fail(url_, 0);
    }
  }
  void keep(std::string_view body, std::int64_t now) {
    held_ = false;
    documents_.keep(url_, body, now);
  }
  void fail(std::int64_t until) {
    held_ = false;
    documents_.fail(url_, until);
  }

 private:
  Documents& documents_;
  std::string url_;
  bool held_ = true;
};

FetchRequest request_for(const DocumentQuery& query) {
  FetchRequest request;
  request.provider = query.provider.name;
  request.location = query.provider.fetch_location;
  request.url = query.url;
  request.headers.push_back({"Accept", "application/json"});
  return request;
}

Task<Result<Documents::Document>> fetch_document(const DocumentQuery& query, Ports& io) {
  HeldLease lease(io.documents, query.url);
  const FetchRequest request = request_for(query);
  auto reply = co_await io.fetch.send(request);
  const std::int64_t now = io.clock.now();
  if (!reply) {
    lease.fail(now + kDocumentCoolDown);
    co_return reply.problem();
  }
  if (reply->status != 200 || !query.acceptable(reply->body, query.provider)) {
    lease.fail(now + kDocumentCoolDown);
    co_return Problem::discovery_refused;
  }
  lease.keep(reply->body, now);
  co_return Documents::Document{std::move(reply->body), now};
}

bool is_metadata(std::string_view body, const Provider& provider) {
  return static_cast<bool>(parse_metadata(body, provider));
}

bool is_key_set(std::string_view body, const Provider&) {
  return static_cast<bool>(KeySet::parse(body));
}

}  // namespace

Task<Result<Documents::Document>> document(const DocumentQuery& query, Ports& io) {
  const std::int64_t deadline = io.clock.now() + kDocumentHold;
  for (;;) {
    const std::int64_t now = io.clock.now();
    auto copy = io.documents.find(query.url);
    if (copy && copy->fetched >= query.not_before) {
      co_return *std::move(copy);
    }
    const bool usable = copy && copy->fetched + kDocumentStale > now;
    const auto lease = io.documents.lease(query.url, now, kDocumentHold);
    if (lease == Documents::Lease::granted) {
      auto fetched = co_await fetch_document(query, io);
      if (!fetched && usable) {
        co_return *std::move(copy);
      }
      co_return fetched;
    }
    // Who wants a newer copy than usual has tried this one, in vain: for him it is the last resort.
    const bool give_up = lease == Documents::Lease::cooling || now >= deadline;
    if (usable && (give_up || query.not_before <= now - kDocumentFresh)) {
      co_return *std::move(copy);
    }
    if (give_up) {
      co_return Problem::discovery_cooling;
    }
    co_await io.clock.pause(kPoll);
  }
}

Task<Result<Metadata>> metadata_of(const Provider& provider, Ports& io) {
  if (auto configured = configured_metadata(provider)) {
    co_return *std::move(configured);
  }
  const DocumentQuery query{metadata_url(provider), provider, is_metadata,
                            io.clock.now() - kDocumentFresh};
  auto found = co_await document(query, io);
  if (!found) {
    co_return found.problem();
  }
  co_return parse_metadata(found->body, provider);
}

Task<Result<KeySet>> keys_of(const Provider& provider, const Metadata& metadata,
                             std::int64_t not_before, Ports& io) {
  const DocumentQuery query{metadata.jwks_uri, provider, is_key_set, not_before};
  auto found = co_await document(query, io);
  if (!found) {
    co_return found.problem();
  }
  co_return KeySet::parse(found->body);
}

}  // namespace oauth
