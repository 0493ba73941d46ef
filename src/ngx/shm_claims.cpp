#include "ngx/shm_claims.hpp"

#include <algorithm>

namespace oauth {

void ShmClaims::format(void* memory, std::size_t bytes, std::int64_t now) noexcept {
  const std::size_t fit = bytes / (sizeof(Slot) + sizeof(std::uint32_t));
  capacity_ = static_cast<std::uint32_t>(std::min<std::size_t>(fit, kNone - 1));
  slots_ = static_cast<Slot*>(memory);
  buckets_ = reinterpret_cast<std::uint32_t*>(slots_ + capacity_);
  next_ = 0;
  floor_ = now - 1;
  forget_index();
}

ShmClaims::Outcome ShmClaims::claim(const ShmKey& key, std::int64_t issued, std::int64_t expires,
                                    std::int64_t now) noexcept {
  for (std::uint32_t i = bucket_of(key.data()); i != kNone; i = slots_[i].next) {
    const Slot& slot = slots_[i];
    if (slot.expires > now &&
        std::memcmp(slot.digest.data(), key.data(), slot.digest.size()) == 0) {
      return Outcome::taken;
    }
  }
  if (issued <= floor_ || expires <= now) {
    return Outcome::too_old;
  }

  // The order is what makes this safe to be cut off anywhere: the floor rises before the oldest
  // claim is forgotten, the ring moves on before the slot counts, and it counts only once its
  // `expires` is written.
  Slot& slot = slots_[next_];
  if (slot.expires != 0) {
    if (slot.expires > now) {
      floor_ = std::max(floor_, slot.issued);
    }
    ngx_memory_barrier();
    unlink(next_);
    slot.expires = 0;
    ngx_memory_barrier();
    if (issued <= floor_) {
      return Outcome::too_old;
    }
  }
  const std::uint32_t index = next_;
  std::memcpy(slot.digest.data(), key.data(), slot.digest.size());
  slot.issued = issued;
  next_ = (index + 1) % capacity_;
  ngx_memory_barrier();
  slot.expires = expires;
  link(index);
  return Outcome::fresh;
}

void ShmClaims::forget_index() noexcept {
  std::fill_n(buckets_, capacity_, kNone);
}

void ShmClaims::rebuild() noexcept {
  forget_index();
  for (std::uint32_t n = 0; n < capacity_; n++) {
    const auto index = static_cast<std::uint32_t>((std::uint64_t{next_} + n) % capacity_);
    if (slots_[index].expires != 0) {
      link(index);
    }
  }
}

std::uint32_t& ShmClaims::bucket_of(const std::uint8_t* digest) noexcept {
  return buckets_[shm_hash(digest) % capacity_];
}

void ShmClaims::link(std::uint32_t index) noexcept {
  std::uint32_t& bucket = bucket_of(slots_[index].digest.data());
  slots_[index].next = bucket;
  bucket = index;
}

void ShmClaims::unlink(std::uint32_t index) noexcept {
  std::uint32_t* at = &bucket_of(slots_[index].digest.data());
  while (*at != kNone && *at != index) {
    at = &slots_[*at].next;
  }
  if (*at == index) {
    *at = slots_[index].next;
  }
}

}  // namespace oauth
