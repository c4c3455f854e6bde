#include "tests/soak/twin.h"

#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "tests/soak/latencies.h"
#include "tests/soak/lone_launch.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/poll_until.h"

namespace forkserver::soak {
namespace {

constexpr int kPairs = 2000;
constexpr int64_t kPatience = 120 * kNanosPerSecond;
constexpr int64_t kFailed = -1;

}  // namespace

absl::StatusOr<Twin> Twin::Start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  UniqueFd ours(ends[0]);
  const UniqueFd its(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its.get(), STDIN_FILENO);
  char name[] = "soak";
  char argument[sizeof(kTwinArgument)];
  std::copy(std::begin(kTwinArgument), std::end(kTwinArgument), argument);
  char* const argv[] = {name, argument, nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(error, "posix_spawn /proc/self/exe");
  absl::StatusOr<Process> process = Process::Adopt(pid);
  if (!process.ok()) return process.status();
  Twin twin(*std::move(process), std::move(ours));
  if (absl::StatusOr<absl::Duration> first = twin.Launch(); !first.ok()) return first.status();
  return twin;
}

absl::StatusOr<absl::Duration> Twin::Launch() {
  const char please = 1;
  if (send(socket_.get(), &please, 1, MSG_NOSIGNAL) != 1) return ErrnoStatus(errno, "send to twin");
  if (PollUntil(socket_.get(), POLLIN, NowNanos() + kPatience) <= 0) {
    return absl::DeadlineExceededError("the twin does not answer");
  }
  int64_t nanos = kFailed;
  if (recv(socket_.get(), &nanos, sizeof(nanos), 0) != sizeof(nanos) || nanos == kFailed) {
    return absl::InternalError("the twin failed; it says why on stderr");
  }
  return absl::Nanoseconds(nanos);
}

absl::StatusOr<Wear> Twin::Compare(ForkServer& server) {
  Latencies ours;
  Latencies its;
  for (int i = 0; i < kPairs; ++i) {
    absl::StatusOr<absl::Duration> took = LoneLaunch(server);
    if (!took.ok()) return took.status();
    ours.Add(*took);
    took = Launch();
    if (!took.ok()) return took.status();
    its.Add(*took);
  }
  return Wear{.old_micros = ours.MedianMicros(), .young_micros = its.MedianMicros()};
}

absl::Status Twin::End() {
  socket_.reset();
  const absl::StatusOr<ExitStatus> status = process_.Wait(absl::Nanoseconds(kPatience));
  if (!status.ok()) return status.status();
  if (!status->success()) return absl::InternalError("the twin " + status->ToString());
  return absl::OkStatus();
}

int ServeAsTwin(ForkServer& server) {
  for (char asked; recv(STDIN_FILENO, &asked, 1, 0) == 1;) {
    const absl::StatusOr<absl::Duration> took = LoneLaunch(server);
    if (!took.ok()) dprintf(STDERR_FILENO, "soak: twin: %s\n", took.status().ToString().c_str());
    const int64_t nanos = took.ok() ? absl::ToInt64Nanoseconds(*took) : kFailed;
    if (send(STDIN_FILENO, &nanos, sizeof(nanos), MSG_NOSIGNAL) < 0 || !took.ok()) return 1;
  }
  return 0;
}

}  // namespace forkserver::soak
