#include "forkserver/host/broker/notification_listener.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

namespace forkserver {
namespace {

// Newer than the headers that it is built with.
constexpr unsigned long kSetFlags = SECCOMP_IOW(4, uint64_t);
constexpr uint64_t kSyncWakeUp = 1;

}  // namespace

int NotificationListener::Control(unsigned long request, void* argument) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!fd_.is_open()) return ENOENT;
  // An answer that is not given leaves its child waiting for ever.
  while (ioctl(fd_.get(), request, argument) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int NotificationListener::Prepare() {
  uint64_t no_id = 0;
  const int error = Control(SECCOMP_IOCTL_NOTIF_ID_VALID, &no_id);
  if (error != 0 && error != ENOENT) return error;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!fd_.is_open()) return EBADF;
  ioctl(fd_.get(), kSetFlags, kSyncWakeUp);
  return 0;
}

int NotificationListener::Receive(seccomp_notif& notification) {
  memset(&notification, 0, sizeof(notification));  // or it is EINVAL
  return Control(SECCOMP_IOCTL_NOTIF_RECV, &notification);
}

bool NotificationListener::IsWaiting(uint64_t id) {
  return Control(SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int NotificationListener::Answer(uint64_t id, int64_t value, int error) {
  seccomp_notif_resp response = {};
  response.id = id;
  response.val = error == 0 ? value : 0;
  response.error = -error;
  const int failed = Control(SECCOMP_IOCTL_NOTIF_SEND, &response);
  return failed == EINPROGRESS ? ENOENT : failed;
}

int NotificationListener::AnswerWithDescriptor(uint64_t id, int fd, uint32_t flags) {
  seccomp_notif_addfd addition = {};
  addition.id = id;
  addition.flags = SECCOMP_ADDFD_FLAG_SEND;
  addition.srcfd = static_cast<uint32_t>(fd);
  addition.newfd_flags = flags;
  const int failed = Control(SECCOMP_IOCTL_NOTIF_ADDFD, &addition);
  if (failed == EINPROGRESS) return ENOENT;
  if (failed != EINVAL) return failed;
  // Linux 5.11 to 5.13 have no SEND: two steps, and a child that is killed between them has it.
  addition.flags = 0;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!fd_.is_open()) return ENOENT;
  const int added = ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &addition);
  if (added < 0) return errno;
  seccomp_notif_resp response = {};
  response.id = id;
  response.val = added;
  return ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 ? errno : 0;
}

void NotificationListener::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  fd_.reset();
}

}  // namespace forkserver
