#include "transceiver/close_strangers.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <atomic>
#include <memory>
#include <semaphore>

#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

std::atomic<ClosePlace> close_place = ClosePlace::kHere;

// Of the caller and of the thread, each of which may be the last to see it.
struct Copies {
  std::binary_semaphore tried{0};
  bool are_held = false;
  std::binary_semaphore are_the_last{0};
};

void* HoldCopies(void* copies_address) {
  const std::unique_ptr<std::shared_ptr<Copies>> own(
      static_cast<std::shared_ptr<Copies>*>(copies_address));
  Copies& copies = **own;
  copies.are_held = unshare(CLONE_FILES) == 0;
  copies.tried.release();
  copies.are_the_last.acquire();
  return nullptr;
}

// Detached; the caller's signals are not for it.
bool StartHolding(const std::shared_ptr<Copies>& copies) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  sigset_t all;
  sigfillset(&all);
  auto its_own = std::make_unique<std::shared_ptr<Copies>>(copies);
  pthread_t thread;
  const bool has_started = pthread_attr_setsigmask_np(&attributes, &all) == 0 &&
                           pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                           pthread_create(&thread, &attributes, HoldCopies, its_own.get()) == 0;
  if (has_started) (void)its_own.release();
  pthread_attr_destroy(&attributes);
  return has_started;
}

void DoNotLinger(int fd) {
  const linger in_the_background = {.l_onoff = 0, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &in_the_background, sizeof(in_the_background));
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
  std::shared_ptr<Copies> copies;
  if (close_place == ClosePlace::kThread) {
    copies = std::make_shared<Copies>();
    if (StartHolding(copies)) {
      copies->tried.acquire();
    } else {
      copies.reset();
    }
  }
  const bool may_linger =
      close_place == ClosePlace::kThread && (copies == nullptr || !copies->are_held);
  for (UniqueFd& fd : fds) {
    if (may_linger && fd.is_open()) DoNotLinger(fd.get());
    fd.reset();
  }
  if (copies != nullptr) copies->are_the_last.release();
}

void CloseStrangersSocket(UniqueFd socket) {
  if (close_place == ClosePlace::kHere || !socket.is_open()) return;
  shutdown(socket.get(), SHUT_RDWR);
  if (HasUnread(socket.get())) CloseStrangers({&socket, 1});
}

}  // namespace forkserver
