#include "bench/launch_once.h"

#include <sys/socket.h>

#include "bench/stopwatch.h"

namespace bench {
namespace {

using forkserver::ForkServer;
using forkserver::LaunchedChild;
using forkserver::LaunchOptions;

absl::Status Reap(LaunchedChild& child) {
  const absl::StatusOr<forkserver::ExitStatus> status = child.process.Wait();
  if (!status.ok()) return status.status();
  if (!status->success()) return absl::InternalError("launched child " + status->ToString());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<double> LaunchReady(ForkServer& server, const LaunchOptions& options) {
  const Stopwatch watch;
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  const double micros = watch.Micros();
  if (!child.ok()) return child.status();
  if (absl::Status reaped = Reap(*child); !reaped.ok()) return reaped;
  return micros;
}

absl::StatusOr<double> LaunchFirstByte(ForkServer& server, const LaunchOptions& options) {
  const Stopwatch watch;
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return child.status();
  char byte;
  const ssize_t size = recv(child->socket.get(), &byte, 1, 0);
  const double micros = watch.Micros();
  if (absl::Status reaped = Reap(*child); !reaped.ok()) return reaped;
  if (size != 1) return absl::InternalError("a launched child hung up");
  return micros;
}

absl::StatusOr<double> LaunchExit(ForkServer& server, const LaunchOptions& options) {
  const Stopwatch watch;
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return child.status();
  if (absl::Status reaped = Reap(*child); !reaped.ok()) return reaped;
  return watch.Micros();
}

}  // namespace bench
