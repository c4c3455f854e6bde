// The event loop's waiting by epoll(7): every watch and every change of one is a system call of
// its own, a timerfd in the epoll set stands for the timers. Works on every kernel.
//
// A timerfd rather than a timeout of epoll_wait: a timer that is added while another thread waits
// must wake it, and the epoll descriptor must become readable when a timer is due.
#ifndef TRANSCEIVER_EPOLL_BACKEND_H_
#define TRANSCEIVER_EPOLL_BACKEND_H_

#include <stdint.h>

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "transceiver/clock.h"
#include "transceiver/event_backend.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class EpollBackend : public EventBackend {
 public:
  static absl::StatusOr<std::unique_ptr<EventBackend>> Create();

  int fd() const override { return epoll_.get(); }
  absl::Status Add(uint64_t id, int fd, uint32_t events) override;
  void Change(uint64_t id, int fd, uint32_t events) override;
  void Remove(uint64_t id, int fd) override;
  void SetTimer(int64_t deadline) override;
  void Wait(int64_t deadline, ReadyEvents& events) override;
  void BeginDispatch(ReadyEvents& events) override;
  void EndDispatch(const ReadyEvents&) override {}
  void Flush() override {}

 private:
  EpollBackend(UniqueFd epoll, UniqueFd timer)
      : epoll_(std::move(epoll)), timer_(std::move(timer)) {}

  UniqueFd epoll_;
  UniqueFd timer_;
  int64_t armed_for_ = kNever;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_EPOLL_BACKEND_H_
