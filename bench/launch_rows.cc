#include "bench/launch_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/packet.h"

namespace bench {
namespace {

using forkserver::ErrnoStatus;
using forkserver::LaunchedChild;
using forkserver::LaunchOptions;
using forkserver::LaunchWay;
using forkserver::NowNanos;
using forkserver::ProcessType;
using forkserver::SocketPair;
using forkserver::UniqueFd;

constexpr size_t kRoundtripBytes = 256;

double MicrosSince(int64_t start) { return static_cast<double>(NowNanos() - start) / 1000; }

absl::Status ReapForked(pid_t pid) {
  int status;
  if (waitpid(pid, &status, 0) != pid) return ErrnoStatus(errno, "waitpid");
  if (status != 0) return absl::InternalError(absl::StrFormat("forked child: status %d", status));
  return absl::OkStatus();
}

absl::Status ReapLaunched(LaunchedChild& child) {
  absl::StatusOr<forkserver::ExitStatus> status = child.process.Wait();
  if (!status.ok()) return status.status();
  if (!status->success()) return absl::InternalError("launched child " + status->ToString());
  return absl::OkStatus();
}

// 20 environment variables replaced, stdio and 2 more descriptors, cwd, 2 limits, title,
// parent-death signal (which is on by default).
LaunchOptions RealisticOptions(int descriptor) {
  LaunchOptions options = {.type = ProcessType::kUtility, .argv = {"bench-child", "exit"}};
  options.environment_base = forkserver::EnvironmentBase::kEmpty;
  for (int i = 0; i < 20; ++i) {
    options.set_environment.push_back(
        absl::StrFormat("BENCH_VARIABLE_%d=the value of variable number %d", i, i));
  }
  options.stdio = {forkserver::Stdio::Null(), forkserver::Stdio::Null(),
                   forkserver::Stdio::Descriptor(STDERR_FILENO)};
  options.Map(descriptor, 10).Map(descriptor, 11);
  options.working_directory = "/";
  options.limits = {{RLIMIT_NOFILE, 256, 256}, {RLIMIT_CORE, 0, 0}};
  options.title = "bench child of the launch benchmark";
  return options;
}

}  // namespace

int BenchProgram::Run(forkserver::ChildContext& context) {
  if (strcmp(context.argv[1], "exit") == 0) return 0;
  for (;;) {
    char bytes[kRoundtripBytes];
    const ssize_t size = recv(context.channel.fd(), bytes, sizeof(bytes), 0);
    if (size <= 0) return 0;
    if (send(context.channel.fd(), bytes, static_cast<size_t>(size), MSG_NOSIGNAL) < 0) return 0;
  }
}

LaunchRows::LaunchRows(forkserver::ForkServer& server) : server_(server) {}
LaunchRows::~LaunchRows() = default;

absl::StatusOr<std::unique_ptr<LaunchRows>> LaunchRows::Create(forkserver::ForkServer& server) {
  auto rows = absl::WrapUnique(new LaunchRows(server));
  UniqueFd first(open("/dev/null", O_RDONLY | O_CLOEXEC));
  UniqueFd second(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  if (!first.is_open() || !second.is_open()) return ErrnoStatus(errno, "open /dev/null");
  rows->options_ = RealisticOptions(first.get());
  rows->options_.descriptors[1].fd = second.get();
  rows->open_.push_back(std::move(first));
  rows->open_.push_back(std::move(second));
  absl::StatusOr<LaunchedChild> echo =
      server.Launch({.type = ProcessType::kUtility, .argv = {"bench-child", "echo"}});
  if (!echo.ok()) return echo.status();
  rows->echo_ = std::make_unique<LaunchedChild>(*std::move(echo));
  return rows;
}

absl::StatusOr<double> LaunchRows::SeqpacketRoundtrip() {
  char bytes[kRoundtripBytes] = {};
  const int64_t start = NowNanos();
  if (send(echo_->socket.get(), bytes, sizeof(bytes), MSG_NOSIGNAL) < 0 ||
      recv(echo_->socket.get(), bytes, sizeof(bytes), 0) != sizeof(bytes)) {
    return ErrnoStatus(errno, "round trip to the echo child");
  }
  return MicrosSince(start);
}

absl::StatusOr<double> LaunchRows::ForkReady() {
  const int64_t start = NowNanos();
  // As a launch does: a channel to each child.
  SocketPair pair;
  if (const int error = CreateSocketPair(pair); error != 0) return ErrnoStatus(error, "socketpair");
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  char byte = 1;
  if (pid == 0) {
    _exit(send(pair.second.get(), &byte, 1, MSG_NOSIGNAL) == 1 ? 0 : 1);
  }
  pair.second.reset();
  if (recv(pair.first.get(), &byte, 1, 0) != 1) return ErrnoStatus(errno, "recv of a forked child");
  const double micros = MicrosSince(start);
  if (absl::Status reaped = ReapForked(pid); !reaped.ok()) return reaped;
  return micros;
}

absl::StatusOr<double> LaunchRows::ForkExit() {
  const int64_t start = NowNanos();
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork");
  if (pid == 0) _exit(0);
  if (absl::Status reaped = ReapForked(pid); !reaped.ok()) return reaped;
  return MicrosSince(start);
}

absl::StatusOr<double> LaunchRows::LaunchReady(LaunchWay way) {
  options_.way = way;
  const int64_t start = NowNanos();
  absl::StatusOr<LaunchedChild> child = server_.Launch(options_);
  const double micros = MicrosSince(start);
  if (!child.ok()) return child.status();
  if (absl::Status reaped = ReapLaunched(*child); !reaped.ok()) return reaped;
  return micros;
}

absl::StatusOr<double> LaunchRows::LaunchExit() {
  options_.way = LaunchWay::kFork;
  const int64_t start = NowNanos();
  absl::StatusOr<LaunchedChild> child = server_.Launch(options_);
  if (!child.ok()) return child.status();
  if (absl::Status reaped = ReapLaunched(*child); !reaped.ok()) return reaped;
  return MicrosSince(start);
}

std::vector<Row> LaunchRows::Rows() {
  return {
      {"seqpacket_roundtrip", "", "us", "256 bytes to a child and back",
       [this] { return SeqpacketRoundtrip(); }},
      {"fork_ready", "", "us", "socketpair, fork(), the child's first byte",
       [this] { return ForkReady(); }},
      {"launch_ready", "fork_ready", "us", "a launch through the template, to Ready",
       [this] { return LaunchReady(LaunchWay::kFork); }},
      {"exec_ready", "launch_ready", "us", "spawn (vfork, exec) of this program, to the same Ready",
       [this] { return LaunchReady(LaunchWay::kExec); }},
      {"fork_exit", "", "us", "fork(), _exit, waitpid", [this] { return ForkExit(); }},
      {"launch_exit", "fork_exit", "us", "a launch, to the exit status seen",
       [this] { return LaunchExit(); }},
  };
}

}  // namespace bench
