#include "transceiver/close_strangers.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "transceiver/clock.h"
#include "transceiver/raw_event.h"
#include "transceiver/raw_syscall.h"
#include "transceiver/raw_task.h"

namespace forkserver {
namespace {

std::atomic<ClosePlace> close_place = ClosePlace::kHere;

// Many times over what it takes where no server of a file is waited for.
constexpr int64_t kPatience = 50 * kNanosPerMilli;

// A thread, with or without the table of descriptors of whoever starts it.
constexpr int kOwnTable = CLONE_FS | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD;
constexpr int kSameTable = kOwnTable | CLONE_FILES;

struct Closing {
  std::vector<int> sorted;
  bool is_held = false;
  RawEvent holds_nothing_else;
  RawEvent is_closed;
  RawTask holder;
  RawTask closer;

  bool has_left() const {
    return closer.has_left().has_happened() && (!is_held || holder.has_left().has_happened());
  }
};

// Of the calling thread's own table. What cannot be closed here is closed at the thread's end.
void CloseAllBut(const std::vector<int>& sorted) {
  int first = 0;
  for (const int kept : sorted) {
    if (kept > first) RawSyscall(SYS_close_range, first, kept - 1, 0);
    first = kept + 1;
  }
  RawSyscall(SYS_close_range, first, ~0u, 0);
}

int Hold(void* address) {
  Closing& closing = *static_cast<Closing*>(address);
  CloseAllBut(closing.sorted);
  closing.holds_nothing_else.Happen();
  closing.is_closed.Wait();
  return 0;
}

void DoNotLinger(int fd) {
  const linger in_the_background = {.l_onoff = 0, .l_linger = 0};
  RawSyscall(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, &in_the_background,
             sizeof(in_the_background));
}

int Close(void* address) {
  Closing& closing = *static_cast<Closing*>(address);
  for (const int fd : closing.sorted) {
    if (!closing.is_held) DoNotLinger(fd);
    RawSyscall(SYS_close, fd);
  }
  closing.is_closed.Happen();
  return 0;
}

void CloseInThreads(std::vector<int> fds) {
  Unfinished<Closing>::All().FreeWhatIsDone();
  // Not make_unique, which would write to the stacks.
  auto closing = std::make_unique_for_overwrite<Closing>();
  std::sort(fds.begin(), fds.end());
  closing->sorted = std::move(fds);
  const int64_t deadline = NowNanos() + kPatience;
  closing->is_held = closing->holder.Start(Hold, closing.get(), kOwnTable) >= 0;
  if (closing->is_held) closing->holds_nothing_else.Wait(deadline);
  if (closing->closer.Start(Close, closing.get(), kSameTable) >= 0) {
    closing->closer.has_left().Wait(deadline);
  } else {
    Close(closing.get());
  }
  Unfinished<Closing>::All().Add(std::move(closing));
}

// Of a socket that has been shut down. An empty message and the end of all look the same, but that
// each message comes with its sender's credentials to whoever wants them.
bool HasUnread(int socket) {
  const int on = 1;
  if (setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) return true;
  // No room for descriptors: they stay where they are.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  msghdr header = {};
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  const long size = RawSyscall(SYS_recvmsg, socket, &header, MSG_PEEK | MSG_DONTWAIT);
  if (size < 0) return size != -EAGAIN;
  return size > 0 || header.msg_controllen > 0 || header.msg_flags != 0;
}

}  // namespace

void SetClosePlace(ClosePlace place) { close_place = place; }

void CloseStrangers(std::span<UniqueFd> fds) {
  if (close_place == ClosePlace::kHere) {
    for (UniqueFd& fd : fds) fd.reset();
    return;
  }
  std::vector<int> open;
  for (UniqueFd& fd : fds) {
    if (fd.is_open()) open.push_back(fd.release());
  }
  if (!open.empty()) CloseInThreads(std::move(open));
}

void CloseStrangersSocket(UniqueFd socket) {
  if (close_place == ClosePlace::kHere || !socket.is_open()) return;
  shutdown(socket.get(), SHUT_RDWR);
  if (HasUnread(socket.get())) CloseStrangers({&socket, 1});
}

}  // namespace forkserver
