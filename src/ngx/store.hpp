// The store of a configuration, as `oauth_store` names it: made once at load, opened per request.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "ngx/nginx.hpp"
#include "ngx/run.hpp"
#include "oauth/base/secret.hpp"
#include "oauth/flow/ports.hpp"

namespace oauth {

// A longer value is a mistake of the caller: Problem::internal.
inline constexpr std::size_t kMaxStoreValue = std::size_t{8} * 1024;

// A part of a store in shared memory, in blocks.
struct StoreShare {
  std::string_view name;
  std::uint64_t used = 0;
  std::uint64_t free = 0;
};

class KeySet;
class RevocationZone;

class StoreBackend {
 public:
  virtual ~StoreBackend() = default;
  // The store as one request sees it; it parks and wakes `flow`.
  virtual std::unique_ptr<Store> open(Flow& flow) = 0;
  // Called in each worker at its start and end. NGX_ERROR stops the worker.
  virtual ngx_int_t init_worker(ngx_cycle_t* cycle) = 0;
  virtual void exit_worker(ngx_cycle_t* cycle) = 0;
  virtual bool is_remote() const noexcept = 0;  // other nodes may share it
  // What this machine knows of the revoked; told once, at load.
  void keep(RevocationZone& revocations) noexcept { revocations_ = &revocations; }
  // This machine's keys; told once, at load. Both null where `nginx -t` finds none.
  void keep(std::shared_ptr<const Keyring> keyring,
            std::shared_ptr<const KeySet> signing) noexcept {
    keyring_ = std::move(keyring);
    signing_ = std::move(signing);
  }
  // False while nobody else who shares the store has keys of this machine's (keyset_mismatch).
  virtual bool has_shared_keys() const noexcept { return true; }
  virtual std::vector<StoreShare> shares() const { return {}; }

 protected:
  RevocationZone* revocations() const noexcept { return revocations_; }  // null without a broker
  const Keyring* keyring() const noexcept { return keyring_.get(); }     // null without a broker
  const KeySet* signing() const noexcept { return signing_.get(); }

 private:
  RevocationZone* revocations_ = nullptr;
  std::shared_ptr<const Keyring> keyring_;
  std::shared_ptr<const KeySet> signing_;
};

// `oauth_store` ARGS (args[0] is the directive's name). Null after an [emerg] line with file, line
// and remedy. The object lives in cf->pool.
StoreBackend* make_store(ngx_conf_t* cf, const ngx_array_t& args);
// The default: shm:oauth:16m.
StoreBackend* make_default_store(ngx_conf_t* cf);

// `oauth_cache_zone SIZE`: documents for all workers; null after an [emerg] line.
class DocumentZone;
DocumentZone* make_document_zone(ngx_conf_t* cf, std::size_t bytes);
Documents& documents_of(DocumentZone& zone) noexcept;

}  // namespace oauth
