#include "bench/launch_rows.h"

#include <errno.h>
#include <sys/socket.h>

#include <utility>

#include "absl/memory/memory.h"
#include "bench/child_memory.h"
#include "bench/direct_fork.h"
#include "bench/launch_once.h"
#include "bench/one_processor.h"
#include "bench/stopwatch.h"
#include "transceiver/errno_status.h"

namespace bench {
namespace {

using forkserver::ForkServer;
using forkserver::LaunchedChild;
using forkserver::LaunchOptions;
using forkserver::LaunchWay;

constexpr size_t kRoundtripBytes = 256;

absl::StatusOr<double> Kib(pid_t pid) {
  const absl::StatusOr<ChildMemory> memory = WeighChild(pid);
  if (!memory.ok()) return memory.status();
  return static_cast<double>(memory->total_kib());
}

}  // namespace

LaunchRows::LaunchRows(ForkServer& server, RealisticPlan plan)
    : server_(server),
      plan_(std::move(plan)),
      idle_blanks_(IdleBlanksOf(server, forkserver::kRootTemplate)) {}
LaunchRows::~LaunchRows() = default;

absl::StatusOr<std::unique_ptr<LaunchRows>> LaunchRows::Create(ForkServer& server) {
  absl::StatusOr<RealisticPlan> plan = RealisticPlan::Create();
  if (!plan.ok()) return plan.status();
  auto rows = absl::WrapUnique(new LaunchRows(server, *std::move(plan)));
  LaunchOptions echo_options = rows->plan_.Echo();
  // The first launch that may take a blank is what has the pool filled.
  echo_options.way = LaunchWay::kTemplate;
  absl::StatusOr<LaunchedChild> echo = server.Launch(echo_options);
  if (!echo.ok()) return echo.status();
  rows->echo_ = std::make_unique<LaunchedChild>(*std::move(echo));
  return rows;
}

absl::StatusOr<double> LaunchRows::SeqpacketRoundtrip() {
  char bytes[kRoundtripBytes] = {};
  const Stopwatch watch;
  if (send(echo_->socket.get(), bytes, sizeof(bytes), MSG_NOSIGNAL) < 0 ||
      recv(echo_->socket.get(), bytes, sizeof(bytes), 0) != sizeof(bytes)) {
    return forkserver::ErrnoStatus(errno, "round trip to the echo child");
  }
  return watch.Micros();
}

absl::StatusOr<double> LaunchRows::PooledReady() {
  if (auto blank = AwaitBlank(server_, idle_blanks_); !blank.ok()) return blank.status();
  LaunchOptions options = plan_.Exit();
  options.way = LaunchWay::kTemplate;
  return LaunchReady(server_, options);
}

absl::StatusOr<double> LaunchRows::ExecReady() {
  LaunchOptions options = plan_.Exit();
  options.way = LaunchWay::kExec;
  return LaunchReady(server_, options);
}

std::vector<Row> LaunchRows::Rows() {
  std::vector<Row> rows = {
      {"seqpacket_roundtrip", "", "us", "256 bytes to a child and back",
       [this] { return SeqpacketRoundtrip(); }, Group::kPool},
      {"seqpacket_roundtrip_alone", "", "us",
       "the same on one processor, with nothing launched in between",
       [this] {
         const OneProcessor both(echo_->process.pid());
         return SeqpacketRoundtrip();
       },
       Group::kMessage},
      {"fork_ready", "", "us", "socketpair, fork(), the child's first byte",
       [] { return ForkReady([] { return true; }); }},
      {"launch_ready", "fork_ready", "us", "a launch through the template, to Ready",
       [this] { return LaunchReady(server_, plan_.Exit()); }},
      {"exec_ready", "launch_ready", "us", "spawn (vfork, exec) of this program, to the same Ready",
       [this] { return ExecReady(); }},
      {"fork_exit", "", "us", "fork(), _exit, waitpid", [] { return ForkExit(); }},
      {"launch_exit", "fork_exit", "us", "a launch, to the exit status seen",
       [this] { return LaunchExit(server_, plan_.Exit()); }},
  };
  if (idle_blanks_) {
    rows.insert(rows.begin() + 1, {"pooled_ready", "seqpacket_roundtrip", "us",
                                   "a launch that finds a blank child waiting, to Ready",
                                   [this] { return PooledReady(); }, Group::kPool});
  }
  return rows;
}

std::vector<Row> LaunchRows::MemoryRows() {
  std::vector<Row> rows;
  if (idle_blanks_) {
    rows.push_back({"idle_child_kib", "", "KiB",
                    "a blank child: private anonymous memory and page tables",
                    [this]() -> absl::StatusOr<double> {
                      const auto blank = AwaitBlank(server_, idle_blanks_);
                      if (!blank.ok()) return blank.status();
                      const absl::StatusOr<double> weight = Kib(*blank);
                      // The next round weighs another one.
                      if (auto taken = PooledReady(); !taken.ok()) return taken.status();
                      return weight;
                    },
                    Group::kMemory});
  }
  rows.push_back({"ready_child_kib", "", "KiB", "the same of a Ready one",
                  [this] { return Kib(ready_child()); }, Group::kMemory});
  return rows;
}

}  // namespace bench
