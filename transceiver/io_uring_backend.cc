#include "transceiver/io_uring_backend.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

constexpr unsigned kSubmissions = 256;
// More completions than fit are kept by the kernel in a list of its own (IORING_FEAT_NODROP).
constexpr unsigned kCompletions = 2048;

// IORING_SETUP_SUBMIT_ALL: one bad entry does not hold up those behind it.
// IORING_SETUP_COOP_TASKRUN: a thread that is computing is not interrupted to complete a poll. It
// does so when it enters the kernel next, with the timer's tick at the latest. Without it every
// Ready that came while the host was busy with another launch cost 5 us of an interrupt between
// CPUs, a sixth of all that a launch costs the host.
// None of those that bind a ring to one thread: any thread may drive the loop.
constexpr unsigned kSetupFlags =
    IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN;
constexpr unsigned kFeatures =
    IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;
constexpr int kOperations[] = {IORING_OP_NOP,         IORING_OP_POLL_ADD,
                               IORING_OP_POLL_REMOVE, IORING_OP_ASYNC_CANCEL,
                               IORING_OP_TIMEOUT,     IORING_OP_TIMEOUT_REMOVE};

// User data. That of a poll is its id, which is far below these.
constexpr uint64_t kTimeout = uint64_t{1} << 61;
constexpr uint64_t kWake = kTimeout + 1;

// Of what a waiting thread needs at once, a millisecond apart.
constexpr int kSubmitTries = 100;
constexpr uint64_t kUpdateOf = uint64_t{1} << 62;  // and the id
constexpr uint64_t kNobody = uint64_t{1} << 63;

// What is queued stays so, and the next submission may take it.
constexpr bool IsForLater(int result) {
  return result == -EAGAIN || result == -EBUSY || result == -ENOMEM;
}

// Reported unasked, as by epoll.
constexpr uint32_t kUnasked = EPOLLERR | EPOLLHUP;

__kernel_timespec ToTimespec(int64_t nanos) {
  return {.tv_sec = nanos / kNanosPerSecond, .tv_nsec = nanos % kNanosPerSecond};
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventBackend>> IoUringBackend::Create() {
  auto backend = absl::WrapUnique(new IoUringBackend);
  io_uring_params params = {};
  params.flags = kSetupFlags;
  params.cq_entries = kCompletions;
  if (const int error = io_uring_queue_init_params(kSubmissions, &backend->ring_, &params);
      error != 0) {
    backend->ring_.ring_fd = -1;
    return ErrnoStatus(-error, "io_uring_setup");
  }
  if ((params.features & kFeatures) != kFeatures) {
    return absl::UnimplementedError(absl::StrFormat(
        "io_uring: this kernel has features %#x of the needed %#x", params.features, kFeatures));
  }
  if (const int error = io_uring_ring_dontfork(&backend->ring_); error != 0) {
    return ErrnoStatus(-error, "madvise MADV_DONTFORK io_uring");
  }
  const std::unique_ptr<io_uring_probe, void (*)(io_uring_probe*)> probe(
      io_uring_get_probe_ring(&backend->ring_), io_uring_free_probe);
  if (probe == nullptr) return absl::UnimplementedError("io_uring: it cannot be probed");
  for (const int operation : kOperations) {
    if (!io_uring_opcode_supported(probe.get(), operation)) {
      return absl::UnimplementedError(
          absl::StrFormat("io_uring: this kernel lacks operation %d", operation));
    }
  }
  if (absl::Status works = backend->CheckRoundTrip(); !works.ok()) return works;
  return std::unique_ptr<EventBackend>(std::move(backend));
}

// A filter may allow to set a ring up and refuse to enter it.
absl::Status IoUringBackend::CheckRoundTrip() {
  io_uring_sqe nop;
  io_uring_prep_nop(&nop);
  nop.user_data = kNobody;
  Queue(nop);
  const int result = io_uring_enter(ring_.ring_fd, 1, 1, IORING_ENTER_GETEVENTS, nullptr);
  if (result < 0) return ErrnoStatus(-result, "io_uring_enter");
  ReadyEvents events;
  Fetch(events);
  return absl::OkStatus();
}

IoUringBackend::~IoUringBackend() {
  if (ring_.ring_fd < 0) return;
  for (const auto& [id, poll] : polls_) {
    if (poll.is_armed) Cancel(id);
  }
  Flush();
  io_uring_queue_exit(&ring_);
}

absl::Status IoUringBackend::Add(uint64_t id, int fd, uint32_t events) {
  const int error = fd < 0 ? EBADF : watched_fds_.insert(fd).second ? 0 : EEXIST;
  if (error != 0) return ErrnoStatus(error, absl::StrFormat("io_uring watch of descriptor %d", fd));
  Poll& poll = polls_[id] = {.fd = fd, .events = events, .is_armed = false};
  Arm(id, poll);
  return absl::OkStatus();
}

void IoUringBackend::Change(uint64_t id, int, uint32_t events) {
  Poll& poll = polls_.at(id);
  if (poll.events == events) return;
  poll.events = events;
  if (poll.is_armed) Update(id, poll);
}

void IoUringBackend::Remove(uint64_t id, int fd) {
  const auto found = polls_.find(id);
  const bool was_armed = found->second.is_armed;
  polls_.erase(found);
  watched_fds_.erase(fd);
  if (!was_armed) return;
  Cancel(id);
  Flush();
}

void IoUringBackend::Arm(uint64_t id, Poll& poll) {
  io_uring_sqe entry;
  io_uring_prep_poll_add(&entry, poll.fd, poll.events);
  entry.user_data = id;
  poll.is_armed = true;
  Queue(entry);
}

void IoUringBackend::Update(uint64_t id, const Poll& poll) {
  io_uring_sqe entry;
  io_uring_prep_poll_update(&entry, id, 0, poll.events, IORING_POLL_UPDATE_EVENTS);
  entry.user_data = kUpdateOf | id;
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  Queue(entry);
}

// Not POLL_REMOVE, which gives up with EALREADY when the poll is being looked at: it may stay.
void IoUringBackend::Cancel(uint64_t id) {
  io_uring_sqe entry;
  io_uring_prep_cancel64(&entry, id, 0);
  entry.user_data = kNobody;
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  Queue(entry);
}

void IoUringBackend::SetTimer(int64_t deadline) {
  // Whatever comes earlier has every timer looked at, and this asked again.
  if (wake_is_queued_ || deadline >= armed_for_) return;
  io_uring_sqe entry;
  if (deadline <= NowNanos()) {
    // Completes where it is submitted, while a timeout takes a detour by an interrupt.
    wake_is_queued_ = true;
    io_uring_prep_nop(&entry);
    entry.user_data = kWake;
    return Queue(entry);
  }
  timeout_ = ToTimespec(deadline);
  if (armed_for_ == kNever) {
    io_uring_prep_timeout(&entry, &timeout_, 0, IORING_TIMEOUT_ABS);
    entry.user_data = kTimeout;
  } else {
    // Fails where the timeout fires just now, which is early enough.
    io_uring_prep_timeout_update(&entry, &timeout_, kTimeout, IORING_TIMEOUT_ABS);
    entry.user_data = kNobody;
    entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  }
  armed_for_ = deadline;
  Queue(entry);
}

void IoUringBackend::Wait(int64_t deadline, ReadyEvents& events) {
  events.count = 0;
  // The backlog moves in a dispatch.
  if (has_backlog_) deadline = std::min(deadline, NowNanos() + kNanosPerMilli);
  // Before the look at what is queued: whoever queues looks in the opposite order, all of it
  // sequentially consistent, so that one of the two submits it.
  is_waiting_ = true;
  if (Queued() == 0) Fetch(events);
  while (events.count == 0) {
    const int result = Enter(deadline);
    Fetch(events);
    if (result < 0 && result != -ETIME) break;  // EINTR: nothing fetched
    if (deadline != kNever && NowNanos() >= deadline) break;
  }
  is_waiting_ = false;
}

// Submits what is queued and waits for one completion.
int IoUringBackend::Enter(int64_t deadline) {
  const int64_t left = deadline == kNever ? kNever : deadline - NowNanos();
  __kernel_timespec timeout = ToTimespec(std::max<int64_t>(left, 0));
  io_uring_getevents_arg argument = {
      .sigmask = 0,
      .sigmask_sz = _NSIG / 8,
      .pad = 0,
      .ts = deadline == kNever ? 0 : reinterpret_cast<uint64_t>(&timeout)};
  return io_uring_enter2(ring_.ring_fd, Queued(), left > 0 ? 1 : 0,
                         IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                         reinterpret_cast<sigset_t*>(&argument), sizeof(argument));
}

void IoUringBackend::Fetch(ReadyEvents& events) {
  unsigned head = *ring_.cq.khead;
  const unsigned tail = io_uring_smp_load_acquire(ring_.cq.ktail);
  for (; head != tail && events.count < static_cast<int>(std::size(events.list)); ++head) {
    const io_uring_cqe& done = ring_.cq.cqes[head & *ring_.cq.kring_mask];
    if (done.user_data == kNobody) continue;
    if ((done.user_data & kUpdateOf) != 0 && done.res != -EALREADY) continue;
    uint32_t ready = static_cast<uint32_t>(done.res);
    // ECANCELED: only to be armed again. Another error is the descriptor's own.
    if (done.res < 0) ready = done.res == -ECANCELED ? 0u : uint32_t{EPOLLERR};
    events.list[events.count++] = {.id = done.user_data, .events = ready};
  }
  io_uring_smp_store_release(ring_.cq.khead, head);
}

void IoUringBackend::BeginDispatch(ReadyEvents& events) {
  // All of them before the first callback, which may unwatch what fired beside it.
  for (int i = 0; i < events.count; ++i) {
    ReadyEvent& event = events.list[i];
    if (event.id == kTimeout || event.id == kWake) {
      if (event.id == kTimeout) armed_for_ = kNever;
      if (event.id == kWake) wake_is_queued_ = false;
      event.id = kTimers;
      continue;
    }
    const auto found = polls_.find(event.id & ~kUpdateOf);
    if (found == polls_.end()) continue;
    Poll& poll = found->second;
    if ((event.id & kUpdateOf) != 0) {
      // The poll was just being looked at, and perhaps found not ready: then it waits on for what
      // it waited for before.
      if (poll.is_armed) Update(found->first, poll);
      continue;
    }
    poll.is_armed = false;
    event.events &= poll.events | kUnasked;
  }
}

void IoUringBackend::EndDispatch(const ReadyEvents& events) {
  for (int i = 0; i < events.count; ++i) {
    const auto found = polls_.find(events.list[i].id);
    if (found != polls_.end() && !found->second.is_armed) Arm(found->first, found->second);
  }
  if (!backlog_.empty()) Flush();
}

unsigned IoUringBackend::Queued() const {
  // The head first: it never passes a tail that was read later.
  const unsigned head = io_uring_smp_load_acquire(ring_.sq.khead);
  return std::atomic_ref(*ring_.sq.ktail).load() - head;
}

bool IoUringBackend::TryQueue(const io_uring_sqe& entry) {
  const unsigned tail = *ring_.sq.ktail;
  if (Queued() >= *ring_.sq.kring_entries) return false;
  const unsigned index = tail & *ring_.sq.kring_mask;
  ring_.sq.sqes[index] = entry;
  ring_.sq.array[index] = index;
  std::atomic_ref(*ring_.sq.ktail).store(tail + 1);
  return true;
}

void IoUringBackend::Queue(const io_uring_sqe& entry) {
  if (!backlog_.empty()) Flush();
  if (!backlog_.empty() || (!TryQueue(entry) && (Submit() < 0 || !TryQueue(entry)))) {
    backlog_.push_back(entry);
    has_backlog_ = true;
  }
  if (!is_waiting_) return;
  // Refused for want of memory, it would lie there until the waiting thread wakes by itself; and no
  // event says when there is some.
  int result = Submit();
  for (int tries = 0; IsForLater(result) && tries < kSubmitTries; ++tries) {
    poll(nullptr, 0, 1);
    result = Submit();
  }
}

int IoUringBackend::Submit() {
  int result = 0;
  while (const unsigned queued = Queued()) {
    result = io_uring_enter(ring_.ring_fd, queued, 0, 0, nullptr);
    // EAGAIN, without memory: it stays queued for the next one who submits.
    if (result < 0 && result != -EINTR) break;
  }
  return result;
}

void IoUringBackend::Flush() {
  do {
    while (!backlog_.empty() && TryQueue(backlog_.front())) backlog_.pop_front();
  } while (Submit() >= 0 && !backlog_.empty());
  has_backlog_ = !backlog_.empty();
}

}  // namespace forkserver
