// The event loop's waiting by io_uring(7): what is watched is queued in the ring and goes to the
// kernel with the next wait, which is then the only system call. Wants Linux 5.19.
//
// Each watch is a one-shot POLL_ADD whose user data is its id; when it has fired and is still
// watched after its callback, it is queued again. A new poll looks at the descriptor before it
// waits, so that what is still unread is reported again, as epoll's level-triggered way does.
// (Multishot polls report edges only, whatever their flags: IORING_POLL_ADD_LEVEL changes who is
// woken and repeats nothing.) A watch that has fired needs no removal: a launch watches its
// socket, hears Ready, and is done without a system call for either.
//
// What the kernel does with polls that had to be minded:
//   - An armed poll holds its file: the peer of a socket that was closed sees no hang-up. So
//     Remove cancels an armed poll at once, and so does the destructor (closing a ring lets go
//     of its files only later, in a worker).
//   - A poll is completed by the thread that submitted it. The kernel interrupts what that thread
//     sleeps in for it (EventLoop says what that means); one that computes does it later, with
//     the timer's tick at the latest.
//   - Once that thread has ended, its polls fire with ECANCELED. They are armed again.
//   - The submission queue belongs to whoever has the loop's lock, the completion queue to the
//     one thread in Wait. Wait submits what is queued when it begins; what is queued while it
//     sleeps is submitted by whoever queues it.
#ifndef TRANSCEIVER_IO_URING_BACKEND_H_
#define TRANSCEIVER_IO_URING_BACKEND_H_

#include <liburing.h>
#include <stdint.h>

#include <atomic>
#include <deque>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "transceiver/clock.h"
#include "transceiver/event_backend.h"

namespace forkserver {

class IoUringBackend : public EventBackend {
 public:
  // Fails where io_uring is refused or too old, naming the call or what is missing.
  static absl::StatusOr<std::unique_ptr<EventBackend>> Create();
  ~IoUringBackend() override;

  int fd() const override { return ring_.ring_fd; }
  absl::Status Add(uint64_t id, int fd, uint32_t events) override;
  void Change(uint64_t id, int fd, uint32_t events) override;
  void Remove(uint64_t id, int fd) override;
  void SetTimer(int64_t deadline) override;
  void Wait(int64_t deadline, ReadyEvents& events) override;
  void BeginDispatch(ReadyEvents& events) override;
  void EndDispatch(const ReadyEvents& events) override;
  void Flush() override;

 private:
  struct Poll {
    int fd;
    uint32_t events;
    bool is_armed;  // queued or in the kernel, and not heard of
  };

  IoUringBackend() = default;

  absl::Status CheckRoundTrip();
  void Arm(uint64_t id, Poll& poll);
  void Update(uint64_t id, const Poll& poll);
  void Cancel(uint64_t id);
  void Queue(const io_uring_sqe& entry);
  bool TryQueue(const io_uring_sqe& entry);
  unsigned Queued() const;
  int Submit();
  int Enter(int64_t deadline);
  void Fetch(ReadyEvents& events);

  io_uring ring_ = {};
  // Whether a thread is in Wait and may have submitted already.
  std::atomic<bool> is_waiting_ = false;
  absl::flat_hash_map<uint64_t, Poll> polls_;
  absl::flat_hash_set<int> watched_fds_;
  // What the kernel had no memory for.
  std::deque<io_uring_sqe> backlog_;
  std::atomic<bool> has_backlog_ = false;
  // Of the one timeout in the ring; read by the kernel when it is submitted.
  __kernel_timespec timeout_ = {};
  int64_t armed_for_ = kNever;
  bool wake_is_queued_ = false;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_IO_URING_BACKEND_H_
