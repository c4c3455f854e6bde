// The event loop's waiting by poll(2): for one thread that watches few descriptors, such as a
// child's. It has no descriptor of its own, hardly any system call for a watch and none for a
// timer, and wakes sooner: the kernel can wake a waiter of poll on the processor of a sender that
// is about to sleep, as it does with one in recvmsg; one of epoll or io_uring it wakes on another
// processor, which has mostly halted. A call between two processes and its answer took 20 us so and
// 23 over io_uring (medians, two processors, other work between).
//
// The cost of a wait grows with the number of watches: some dozens are no matter, hundreds are for
// epoll.
#ifndef TRANSCEIVER_POLL_BACKEND_H_
#define TRANSCEIVER_POLL_BACKEND_H_

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "absl/status/status.h"
#include "transceiver/clock.h"
#include "transceiver/event_backend.h"
#include "transceiver/launch_path.h"

namespace forkserver {

class PollBackend : public EventBackend {
 public:
  // There is none.
  int fd() const override { return -1; }
  absl::Status Add(uint64_t id, int fd, uint32_t events) override;
  void Change(uint64_t id, int fd, uint32_t events) override;
  void Remove(uint64_t id, int fd) override;
  void SetTimer(int64_t deadline) override;
  void Wait(int64_t deadline, ReadyEvents& events) override;
  FORKSERVER_LAUNCH_PATH void BeginDispatch(ReadyEvents&) override {}
  FORKSERVER_LAUNCH_PATH void EndDispatch(const ReadyEvents&) override {}
  void Flush() override {}

 private:
  // Side by side: the second is what poll takes.
  std::vector<uint64_t> ids_;
  std::vector<pollfd> watched_;
  int64_t timer_ = kNever;
  // Where the next look at what is ready begins, so that the first ones keep nobody from their
  // turn.
  size_t first_ = 0;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_POLL_BACKEND_H_
