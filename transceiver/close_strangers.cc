#include "transceiver/close_strangers.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
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

// They may be there for as long as a silent server is.
constexpr char kThreadName[] = "close-strangers";

struct Closing {
  std::vector<int> fds;
  const int* begin;  // of fds, sorted: what is not a library's
  const int* end;
  bool has_holder;
  bool has_closer;
  RawEvent holds_nothing_else;
  RawEvent is_closed;
  RawTask holder;
  RawTask closer;

  bool has_left() const { return HasLeftBy(0); }
  bool HasLeftBy(int64_t deadline) const {
    return (!has_closer || closer.has_left().WaitUntil(deadline)) &&
           (!has_holder || holder.has_left().WaitUntil(deadline));
  }
};

// What cannot be closed here is closed at this thread's end.
int Hold(void* address) {
  Closing& closing = *static_cast<Closing*>(address);
  RawSyscall(SYS_prctl, PR_SET_NAME, kThreadName);
  int first = 0;
  for (const int* kept = closing.begin; kept != closing.end; ++kept) {
    if (*kept > first) RawSyscall(SYS_close_range, first, *kept - 1, 0);
    first = *kept + 1;
  }
  RawSyscall(SYS_close_range, first, ~0u, 0);
  closing.holds_nothing_else.Happen();
  closing.is_closed.Wait();
  return 0;
}

int Close(void* address) {
  Closing& closing = *static_cast<Closing*>(address);
  RawSyscall(SYS_prctl, PR_SET_NAME, kThreadName);
  const linger in_the_background = {.l_onoff = 0, .l_linger = 0};
  for (const int* fd = closing.begin; fd != closing.end; ++fd) {
    if (!closing.has_holder) {
      RawSyscall(SYS_setsockopt, *fd, SOL_SOCKET, SO_LINGER, &in_the_background,
                 sizeof(in_the_background));
    }
    RawSyscall(SYS_close, *fd);
  }
  closing.is_closed.Happen();
  return 0;
}

void CloseInThreads(std::vector<int> fds) {
  Unfinished<Closing>::All().FreeWhatIsDone();
  // Not make_unique, which would write to the stacks.
  auto closing = std::make_unique_for_overwrite<Closing>();
  std::sort(fds.begin(), fds.end());
  closing->begin = fds.data();
  closing->end = fds.data() + fds.size();
  closing->fds = std::move(fds);
  const int64_t deadline = NowNanos() + kPatience;
  closing->has_holder = closing->holder.Start(Hold, closing.get(), kOwnTable) >= 0;
  if (closing->has_holder) closing->holds_nothing_else.WaitUntil(deadline);
  closing->has_closer = closing->closer.Start(Close, closing.get(), kSameTable) >= 0;
  if (!closing->has_closer) Close(closing.get());
  if (!closing->HasLeftBy(deadline)) Unfinished<Closing>::All().Add(std::move(closing));
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
