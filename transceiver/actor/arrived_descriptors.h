// The descriptors of a message that has arrived: what no field takes is closed as a stranger's.
//
// Ownership: owns them. Threads: as its owner.
#ifndef TRANSCEIVER_ACTOR_ARRIVED_DESCRIPTORS_H_
#define TRANSCEIVER_ACTOR_ARRIVED_DESCRIPTORS_H_

#include <stddef.h>

#include <span>
#include <utility>
#include <vector>

#include "transceiver/close_strangers.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class ArrivedDescriptors {
 public:
  ArrivedDescriptors() = default;
  explicit ArrivedDescriptors(std::vector<UniqueFd> fds) : fds_(std::move(fds)) {}
  ArrivedDescriptors(ArrivedDescriptors&&) = default;
  ArrivedDescriptors& operator=(ArrivedDescriptors&& other) noexcept {
    Close();
    fds_ = std::move(other.fds_);
    return *this;
  }
  ~ArrivedDescriptors() { Close(); }

  size_t size() const { return fds_.size(); }
  operator std::span<UniqueFd>() { return fds_; }

 private:
  void Close() {
    CloseStrangers(fds_);
    fds_.clear();
  }

  std::vector<UniqueFd> fds_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_ARRIVED_DESCRIPTORS_H_
