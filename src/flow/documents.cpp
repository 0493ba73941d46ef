#include "oauth/flow/documents.hpp"

#include <memory>

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
  request.provider = query.owner;
  request.location = query.location;
  request.url = query.url;
  request.headers.push_back({"Accept", "application/json"});
  return request;
}

// Ends the lease: with the document, or with the time until the next try.
Check settle(const DocumentQuery& query, HeldLease& lease, const Result<FetchReply>& reply,
             std::int64_t now) {
  if (!reply) {
    lease.fail(now + kDocumentCoolDown);
    return reply.problem();
  }
  if (reply->status != 200 || !query.acceptable(reply->body)) {
    lease.fail(now + kDocumentCoolDown);
    return Problem::discovery_refused;
  }
  lease.keep(reply->body, now);
  return kDone;
}

Task<Result<Documents::Document>> fetch_document(const DocumentQuery& query, Ports& io) {
  HeldLease lease(io.documents, query.url);
  const FetchRequest request = request_for(query);
  auto reply = co_await io.fetch.send(request);
  const std::int64_t now = io.clock.now();
  if (const Check kept = settle(query, lease, reply, now); !kept) {
    co_return kept.problem();
  }
  co_return Documents::Document{std::move(reply->body), now};
}

DocumentQuery metadata_query(const Provider& provider, std::int64_t not_before) {
  const auto acceptable = [&provider](std::string_view body) {
    return static_cast<bool>(parse_metadata(body, provider));
  };
  return {metadata_url(provider.issuer), provider.name, provider.fetch_location, acceptable,
          not_before};
}

DocumentQuery keys_query(const Provider& provider, const std::string& url,
                         std::int64_t not_before) {
  const auto acceptable = [](std::string_view body) {
    return static_cast<bool>(KeySet::parse(body));
  };
  return {url, provider.name, provider.fetch_location, acceptable, not_before};
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
    const bool usable = copy && copy->fetched + query.max_stale > now;
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

void refresh_document(const DocumentQuery& query, Ports& io) {
  // Another worker may have been faster.
  if (io.documents.fetched(query.url).value_or(query.not_before - 1) >= query.not_before) {
    return;
  }
  const std::int64_t now = io.clock.now();
  if (io.documents.lease(query.url, now, kDocumentHold) != Documents::Lease::granted) {
    return;
  }
  const auto lease = std::make_shared<HeldLease>(io.documents, query.url);
  const Clock& clock = io.clock;
  io.fetch.refresh(request_for(query), [query, lease, &clock](const Result<FetchReply>& reply) {
    (void)settle(query, *lease, reply, clock.now());
  });
}

Task<Result<Metadata>> metadata_of(const Provider& provider, Ports& io) {
  if (auto configured = configured_metadata(provider)) {
    co_return *std::move(configured);
  }
  const DocumentQuery query = metadata_query(provider, io.clock.now() - kDocumentFresh);
  auto found = co_await document(query, io);
  if (!found) {
    co_return found.problem();
  }
  co_return parse_metadata(found->body, provider);
}

Task<Result<KeySet>> keys_of(const Provider& provider, const Metadata& metadata,
                             std::int64_t not_before, Ports& io) {
  const DocumentQuery query = keys_query(provider, metadata.jwks_uri, not_before);
  auto found = co_await document(query, io);
  if (!found) {
    co_return found.problem();
  }
  co_return KeySet::parse(found->body);
}

}  // namespace oauth
