#include "transceiver/poll_backend.h"

#include <errno.h>
#include <sys/epoll.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

// poll(2) and epoll(7) have the same bits.
static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
              EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP && EPOLLPRI == POLLPRI);

uint32_t EventsOf(const pollfd& ready) {
  const auto events = static_cast<uint32_t>(static_cast<uint16_t>(ready.revents));
  // A descriptor that is none.
  return (events & POLLNVAL) != 0 ? uint32_t{EPOLLERR} : events;
}

}  // namespace

FORKSERVER_LAUNCH_PATH absl::Status PollBackend::Add(uint64_t id, int fd, uint32_t events) {
  const auto is_it = [fd](const pollfd& one) { return one.fd == fd; };
  if (std::any_of(watched_.begin(), watched_.end(), is_it)) {
    return absl::AlreadyExistsError(absl::StrFormat("poll: descriptor %d is watched already", fd));
  }
  // poll(2) passes those over.
  if (fd < 0) return ErrnoStatus(EBADF, absl::StrFormat("poll descriptor %d", fd));
  ids_.push_back(id);
  watched_.push_back({.fd = fd, .events = static_cast<int16_t>(events), .revents = 0});
  return absl::OkStatus();
}

FORKSERVER_LAUNCH_PATH void PollBackend::Change(uint64_t id, int, uint32_t events) {
  const auto found = std::find(ids_.begin(), ids_.end(), id);
  watched_[static_cast<size_t>(found - ids_.begin())].events = static_cast<int16_t>(events);
}

void PollBackend::Remove(uint64_t id, int) {
  const auto found = std::find(ids_.begin(), ids_.end(), id);
  watched_.erase(watched_.begin() + (found - ids_.begin()));
  ids_.erase(found);
}

FORKSERVER_LAUNCH_PATH void PollBackend::SetTimer(int64_t deadline) {
  timer_ = std::min(timer_, deadline);
}

FORKSERVER_LAUNCH_PATH void PollBackend::Wait(int64_t deadline, ReadyEvents& events) {
  events.count = 0;
  const int64_t until = std::min(deadline, timer_);
  const int64_t left = until == kNever ? 0 : std::max<int64_t>(until - NowNanos(), 0);
  timespec timeout = {.tv_sec = left / kNanosPerSecond, .tv_nsec = left % kNanosPerSecond};
  // Raw: the C library's is a page of it that a fresh child has no other use for.
  long ready = RawSyscall(SYS_ppoll, watched_.data(), watched_.size(),
                          until == kNever ? nullptr : &timeout, nullptr, 0);
  if (timer_ != kNever && NowNanos() >= timer_) {
    timer_ = kNever;
    events.list[events.count++] = {.id = kTimers, .events = EPOLLIN};
  }
  if (ready <= 0) return;  // EINTR: nothing fetched
  const size_t size = watched_.size();
  first_ = (first_ + 1) % size;
  for (size_t i = 0; i < size && ready > 0; ++i) {
    const size_t at = (first_ + i) % size;
    if (watched_[at].revents == 0) continue;
    if (events.count == static_cast<int>(std::size(events.list))) return;
    --ready;
    events.list[events.count++] = {.id = ids_[at], .events = EventsOf(watched_[at])};
  }
}

}  // namespace forkserver
