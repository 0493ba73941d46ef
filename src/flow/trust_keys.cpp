#include "oauth/flow/trust_keys.hpp"

#include <algorithm>

namespace oauth {

std::optional<KeysAtHand> TrustKeys::at_hand(const Trust& trust, Documents& documents,
                                             std::int64_t now) {
  if (!trust.is_fetched()) {
    return trust.keys == nullptr ? std::nullopt : std::optional(KeysAtHand{trust.keys.get(), now});
  }
  Source& source = source_of(trust);
  if (source.looked != now) {
    source.looked = now;
    look(source, documents);
  }
  // Fail closed: keys that their issuer may long have withdrawn prove nothing.
  if (source.keys == nullptr || source.fetched + trust.max_stale <= now) {
    return std::nullopt;
  }
  return KeysAtHand{source.keys.get(), source.fetched};
}

// Two workers see the same documents; each parses what is new to it.
void TrustKeys::look(Source& source, Documents& documents) {
  if (source.jwks_uri.empty()) {
    const std::string url = metadata_url(source.issuer);
    const auto described = documents.fetched(url);
    const auto metadata =
        described && *described != source.described ? documents.find(url) : std::nullopt;
    const auto location = metadata ? advertised_keys(metadata->body, source.issuer)
                                   : Result<std::string>(Problem::discovery_refused);
    if (location) {
      source.location = *location;
      source.described = metadata->fetched;
    }
  }
  const auto fetched = source.location.empty() ? std::nullopt : documents.fetched(source.location);
  if (!fetched || (*fetched == source.fetched && source.keys_from == source.location)) {
    return;
  }
  const auto document = documents.find(source.location);
  const auto parsed = document ? KeySet::parse(document->body) : Problem::key_set_empty;
  auto keys = parsed ? keys_for(*parsed, source.issuer) : KeySet();
  if (!keys.keys().empty()) {
    source.keys = std::make_shared<const KeySet>(std::move(keys));
    source.keys_from = source.location;
    source.fetched = document->fetched;
  }
}

std::int64_t TrustKeys::fresh_since(const Trust& trust, std::int64_t now) noexcept {
  return now - std::min(kDocumentFresh, trust.max_stale / 2);
}

bool TrustKeys::may_be_outdated(const Trust& trust, const KeysAtHand& keys,
                                std::int64_t now) noexcept {
  return trust.is_fetched() && keys.fetched < now - kDocumentCoolDown;
}

Task<Check> TrustKeys::fetch_keys(const Trust& trust, std::int64_t not_before, Ports& io) {
  std::string location = trust.jwks_uri;
  if (location.empty()) {
    const DocumentQuery query = metadata_query(trust, fresh_since(trust, io.clock.now()));
    const auto metadata = co_await document(query, io);
    if (!metadata) {
      co_return metadata.problem();
    }
    const auto said = advertised_keys(metadata->body, trust.expect.issuer);
    if (!said) {
      co_return said.problem();
    }
    location = *said;
  }
  const DocumentQuery query = keys_query(trust, location, not_before);
  const auto keys = co_await document(query, io);
  source_of(trust).looked = -1;
  co_return keys ? Check(kDone) : keys.problem();
}

bool TrustKeys::wants_refresh(const Trust& trust, std::int64_t now) {
  if (!trust.is_fetched()) {
    return false;
  }
  Source& source = source_of(trust);
  const bool is_due = source.keys != nullptr && source.fetched < fresh_since(trust, now) &&
                      source.asked + kDocumentCoolDown <= now;
  source.asked = is_due ? now : source.asked;
  return is_due;
}

void TrustKeys::refresh(const Trust& trust, Ports& io) {
  const Source& source = source_of(trust);
  const std::int64_t fresh = fresh_since(trust, io.clock.now());
  if (trust.jwks_uri.empty() && source.described < fresh) {
    refresh_document(metadata_query(trust, fresh), io);
  }
  refresh_document(keys_query(trust, source.location, fresh), io);
}

TrustKeys::Source& TrustKeys::source_of(const Trust& trust) {
  const auto found = std::find_if(sources_.begin(), sources_.end(), [&trust](const Source& one) {
    return one.issuer == trust.expect.issuer && one.jwks_uri == trust.jwks_uri;
  });
  if (found != sources_.end()) {
    return *found;
  }
  Source& source = sources_.emplace_back();
  source.issuer = trust.expect.issuer;
  source.jwks_uri = trust.jwks_uri;
  source.location = trust.jwks_uri;
  return source;
}

// What must not replace a good document is refused here, once for each that was fetched.
DocumentQuery TrustKeys::metadata_query(const Trust& trust, std::int64_t not_before) {
  const std::string& issuer = trust.expect.issuer;
  const auto acceptable = [this, issuer](std::string_view body) {
    const bool is_good = static_cast<bool>(advertised_keys(body, issuer));
    if (!is_good) {
      warn_("what \"" + issuer +
            "\" publishes as its metadata cannot be used: it must be a JSON object with exactly "
            "this \"issuer\", and an https \"jwks_uri\"");
    }
    return is_good;
  };
  return {metadata_url(issuer), issuer, {}, acceptable, not_before, trust.max_stale};
}

DocumentQuery TrustKeys::keys_query(const Trust& trust, const std::string& location,
                                    std::int64_t not_before) {
  const std::string& issuer = trust.expect.issuer;
  const auto acceptable = [this, issuer](std::string_view body) {
    const auto keys = KeySet::parse(body);
    if (!keys || keys_for(*keys, issuer).keys().empty()) {
      warn_("what \"" + issuer + "\" publishes as its keys cannot be used: there is none in it");
      return false;
    }
    for (const std::string& line : keys->left_out()) {
      warn_("a key of \"" + issuer + "\" is left out: " + line);
    }
    return true;
  };
  return {location, issuer, {}, acceptable, not_before, trust.max_stale};
}

}  // namespace oauth
