#include "ngx/revocations.hpp"

#include "ngx/conf.hpp"

namespace oauth {
namespace {

// Addresses that tell the zone from every other use of its name. Two, so that one that was kept up
// with a store is not taken for one whose entries are all in the journal, when a reload changes
// `oauth_store`.
char kJournaledTag, kSharedTag;

constexpr std::string_view kZoneName = "oauth_revoked";
constexpr std::size_t kBytes = sizeof(RevocationRoot) + std::size_t{256} * 1024;
constexpr std::int64_t kComplainEvery = 60;  // s

std::uint64_t now_ms() noexcept {
  return static_cast<std::uint64_t>(ngx_current_msec);
}

// Another worker's clock may be a little ahead of this one's.
std::uint64_t age_of(std::uint64_t then) noexcept {
  const std::uint64_t now = now_ms();
  return now > then ? now - then : 0;
}

}  // namespace

RevocationZone* RevocationZone::make(ngx_conf_t* cf, const std::string& journal) {
  auto* zone = make_in<RevocationZone>(cf->pool);
  if (zone == nullptr ||
      add_shm_zone(cf, kZoneName, kBytes, journal.empty() ? &kSharedTag : &kJournaledTag, zone,
                   init_zone) == nullptr) {
    return nullptr;
  }
  if (!journal.empty()) {
    zone->journal_.emplace(journal);
  }
  return zone;
}

bool RevocationZone::is_current(const RevocationLag& lag) const noexcept {
  if (journal_ || lag.allows_stale) {
    return true;
  }
  const std::uint64_t then = root_->refreshed.load(std::memory_order_acquire);
  return then != 0 && age_of(then) <= static_cast<std::uint64_t>(lag.seconds) * 1000;
}

Check RevocationZone::revoke(const RevocationMark& mark, std::int64_t expires) const noexcept {
  if (has(mark)) {
    return kDone;  // who asks again and again does not fill the journal
  }
  bool has_room = false;
  {
    const auto held = lock();
    has_room = root_->list.has_room(mark, ngx_time());
  }
  if (!has_room) {
    return full();
  }
  if (!journal_->append(mark, expires)) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, errno,
                  "oauth: nothing can be revoked, because \"revoked\" in oauth_state_dir cannot be "
                  "written");
    return Problem::revocations_unsaved;
  }
  return learn(mark, expires) ? Check(kDone) : Check(full());
}

bool RevocationZone::learn(const RevocationMark& mark, std::int64_t expires) const noexcept {
  const std::int64_t now = ngx_time();
  const auto held = lock();
  return expires <= now || root_->list.add(mark, expires, now, RevocationList::kHardLimit) !=
                               RevocationList::Outcome::full;
}

Problem RevocationZone::full() const noexcept {
  const std::int64_t now = ngx_time();
  bool complain = false;
  {
    const auto held = lock();
    complain = now - root_->complained >= kComplainEvery;
    root_->complained = complain ? now : root_->complained;
  }
  if (complain) {
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "oauth: the list of revoked tokens is full (%uz): nothing more can be revoked "
                  "until some of them expire",
                  RevocationList::kLimit);
  }
  return Problem::revocations_full;
}

bool RevocationZone::lease(std::uint64_t age, std::uint64_t hold) const noexcept {
  const std::uint64_t then = root_->refreshed.load(std::memory_order_acquire);
  std::uint64_t until = root_->leased.load(std::memory_order_acquire);
  const std::uint64_t now = now_ms();
  return (then == 0 || age_of(then) >= age) && until <= now &&
         root_->leased.compare_exchange_strong(until, now + hold);
}

void RevocationZone::release(std::uint64_t at) const noexcept {
  if (at != 0) {
    root_->refreshed.store(at, std::memory_order_release);
  }
  root_->leased.store(0, std::memory_order_release);
}

ngx_int_t RevocationZone::init_zone(ngx_shm_zone_t* zone, void* before) {
  auto* self = static_cast<RevocationZone*>(zone->data);
  self->pool_ = begin_shm_zone(zone, before);
  const bool is_fresh = before == nullptr && !zone->shm.exists;
  if (!is_fresh) {
    self->root_ = static_cast<RevocationRoot*>(self->pool_->data);
  } else if (self->format(*zone) != NGX_OK) {
    return NGX_ERROR;
  }
  return self->journal_ ? self->open_journal(zone->shm.log, is_fresh) : NGX_OK;
}

ngx_int_t RevocationZone::format(const ngx_shm_zone_t& zone) {
  if (name_shm_zone(pool_, zone) != NGX_OK) {
    return NGX_ERROR;
  }
  void* memory = ngx_slab_alloc(pool_, sizeof(RevocationRoot));
  if (memory == nullptr) {
    return NGX_ERROR;
  }
  root_ = new (memory) RevocationRoot();
  pool_->data = root_;
  return NGX_OK;
}

// `nginx -t` reads it, to say what a start would say, and writes nothing. A reload reads it too:
// another binary (USR2), with a list of its own, may have appended to it.
ngx_int_t RevocationZone::open_journal(ngx_log_t* log, bool is_fresh) {
  const auto keep = [this](const RevocationMark& mark, std::int64_t expires) {
    return learn(mark, expires);
  };
  if (journal_->load(keep, log) != NGX_OK) {
    return NGX_ERROR;
  }
  if (ngx_test_config) {
    return NGX_OK;
  }
  if (is_fresh && journal_->rewrite(root_->list, log) != NGX_OK) {
    return NGX_ERROR;
  }
  return journal_->open(log);
}

}  // namespace oauth
