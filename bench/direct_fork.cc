#include "bench/direct_fork.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_format.h"
#include "bench/stopwatch.h"
#include "transceiver/errno_status.h"
#include "transceiver/packet.h"

namespace bench {
namespace {

using forkserver::ErrnoStatus;

absl::Status Reap(pid_t pid) {
  int status;
  if (waitpid(pid, &status, 0) != pid) return ErrnoStatus(errno, "waitpid");
  if (status != 0) return absl::InternalError(absl::StrFormat("forked child: status %d", status));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<double> ForkReady(absl::FunctionRef<bool()> work) {
  const Stopwatch watch;
  // As a launch does: a channel to each child.
  forkserver::SocketPair pair;
  if (const int error = CreateSocketPair(pair); error != 0) return ErrnoStatus(error, "socketpair");
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  char byte = 1;
  if (pid == 0) {
    _exit(work() && send(pair.second.get(), &byte, 1, MSG_NOSIGNAL) == 1 ? 0 : 1);
  }
  pair.second.reset();
  const ssize_t size = recv(pair.first.get(), &byte, 1, 0);
  const double micros = watch.Micros();
  if (absl::Status reaped = Reap(pid); !reaped.ok()) return reaped;
  if (size != 1) return absl::InternalError("a forked child hung up");
  return micros;
}

absl::StatusOr<double> ForkExit() {
  const Stopwatch watch;
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  if (pid == 0) _exit(0);
  if (absl::Status reaped = Reap(pid); !reaped.ok()) return reaped;
  return watch.Micros();
}

}  // namespace bench
