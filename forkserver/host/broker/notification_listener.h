// The host's end of a filter's notifications (seccomp_unotify(2)), as the calls on it.
//
//     NotificationListener listener(std::move(fd));
//     seccomp_notif notification;
//     if (listener.Receive(notification) == 0) listener.Answer(notification.id, 0, EPERM);
//
// All return 0 or an errno. ENOENT: nobody waits for that (any more), which is no failure: the
// child was killed, somebody else has answered, or the listener is closed. Close makes the kernel
// answer ENOSYS to all who wait and to all later ones, if no other process has the descriptor.
//
// Threads: any, at the same time; a close waits for the calls of others, none of which blocks.
// Receive is for one thread at a time, and only when the descriptor polls readable: it would wait
// without end.
#ifndef FORKSERVER_HOST_BROKER_NOTIFICATION_LISTENER_H_
#define FORKSERVER_HOST_BROKER_NOTIFICATION_LISTENER_H_

#include <linux/seccomp.h>
#include <stdint.h>

#include <mutex>

#include "transceiver/unique_fd.h"

namespace forkserver {

class NotificationListener {
 public:
  explicit NotificationListener(UniqueFd fd) : fd_(std::move(fd)) {}

  // Whether it is one at all: 0, or ENOTTY and the like. Also asks the kernel to wake the caller on
  // the processor of whoever answers, where it can (Linux 6.6): a round trip is then half as long.
  int Prepare();

  int Receive(seccomp_notif& notification);
  bool IsWaiting(uint64_t id);
  // The call returns `value`, or fails with `error`.
  int Answer(uint64_t id, int64_t value, int error);
  // The call returns a copy of `fd`, which gets `flags`: O_CLOEXEC or 0. The kernel has the caller
  // put it into its own table, and this waits for that: two more changes of thread, for which it
  // does not heed the wish above. Where another processor is idle the caller wakes there: with
  // virtual processors an open took 85 us so, and 10 on one processor.
  int AnswerWithDescriptor(uint64_t id, int fd, uint32_t flags);

  void Close();
  // For epoll; -1 when closed.
  int get() const { return fd_.get(); }

 private:
  int Control(unsigned long request, void* argument);

  std::mutex mutex_;
  UniqueFd fd_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_NOTIFICATION_LISTENER_H_
