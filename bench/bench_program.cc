#include "bench/bench_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/actor_child.h"
#include "bench/heap.h"
#include "bench/stopwatch.h"
#include "child/sandbox/engage.h"
#include "child/sandbox/own_layers.h"
#include "child/sandbox/sandbox_policy.h"
#include "transceiver/errno_status.h"
#include "transceiver/raw_syscall.h"

namespace bench {
namespace {

using forkserver::LaunchOptions;
using forkserver::ProcessType;
using forkserver::UniqueFd;

constexpr size_t kEchoBytes = 4096;

int Echo(int socket) {
  for (;;) {
    char bytes[kEchoBytes];
    const ssize_t size = recv(socket, bytes, sizeof(bytes), 0);
    if (size <= 0) return 0;
    if (send(socket, bytes, static_cast<size_t>(size), MSG_NOSIGNAL) < 0) return 0;
  }
}

int Work(int socket, uint64_t seed) {
  if (!LookUp(kLookUps, seed)) return 1;
  const char done = 1;
  return send(socket, &done, 1, MSG_NOSIGNAL) == 1 ? 0 : 1;
}

constexpr char kOpenedFile[] = "/dev/null";
constexpr int kOpens = 20;
constexpr int kCalls = 2000;

// Of one; the file is closed outside of the time.
double TimeOpens() {
  int64_t nanos = 0;
  for (int i = 0; i < kOpens; ++i) {
    const Stopwatch watch;
    const UniqueFd fd(open(kOpenedFile, O_RDONLY | O_CLOEXEC));
    nanos += watch.Nanos();
    if (!fd.is_open()) return -errno;
  }
  return static_cast<double>(nanos) / 1000 / kOpens;
}

double TimeCalls() {
  const Stopwatch watch;
  for (int i = 0; i < kCalls; ++i) forkserver::RawSyscall(SYS_getppid);
  return watch.Micros() / kCalls;
}

// Of one, in ns. Each is an addition of its own, whose address and table are looked at again: as it
// is for a caller that does something else in between.
template <typename Add>
double TimeAdds(Add add) {
  const Stopwatch watch;
  for (uint64_t i = 0; i < kAdds; ++i) {
    add();
    __asm__ volatile("" : : : "memory");
  }
  return static_cast<double>(watch.Nanos()) / kAdds;
}

std::atomic<uint64_t> own_count = 0;

double Answer(std::string_view question, const forkserver::TelemetryWriter& telemetry) {
  if (question == kTimedOpen) return TimeOpens();
  if (question == kTimedAtomicAdd) {
    return TimeAdds([] { own_count.fetch_add(1, std::memory_order_relaxed); });
  }
  if (question == kTimedTelemetryAdd) return TimeAdds([&] { telemetry.Add(kBenchAdds); });
  return TimeCalls();
}

int Time(const forkserver::ChildContext& context) {
  const int socket = context.channel.fd();
  for (;;) {
    char question[16];
    const ssize_t size = recv(socket, question, sizeof(question), 0);
    if (size <= 0) return 0;
    const double answer =
        Answer(std::string_view(question, static_cast<size_t>(size)), context.telemetry);
    if (send(socket, &answer, sizeof(answer), MSG_NOSIGNAL) < 0) return 0;
  }
}

// What a peer's child does between its fork and its first useful instruction.
int SandboxItself(int socket) {
  using forkserver::SandboxEngagement;
  absl::StatusOr<SandboxEngagement> sandbox = SandboxEngagement::Prepare(
      forkserver::MakeSandboxPolicy(forkserver::SandboxPolicyId::kContent),
      forkserver::kFullSandbox);
  if (!sandbox.ok()) return 1;
  sandbox->EnterNamespaces(forkserver::PidNamespace::kOfItsOwn);
  sandbox->Lock();
  if (forkserver::FirstMissing(sandbox->report(), forkserver::kAllSandboxLayers) !=
          forkserver::SandboxLayer::kCount ||
      forkserver::AddOwnLayers(sandbox->own_layers()) != 0) {
    return 1;
  }
  const char done = 1;
  return send(socket, &done, 1, MSG_NOSIGNAL) == 1 ? 0 : 1;
}

}  // namespace

int BenchProgram::Run(forkserver::ChildContext& context) {
  const char* const what = context.argv[1];
  if (strcmp(what, "exit") == 0) return 0;
  if (strcmp(what, "work") == 0) {
    return Work(context.channel.fd(), strtoull(context.argv[2], nullptr, 10));
  }
  if (strcmp(what, "sandbox") == 0) return SandboxItself(context.channel.fd());
  if (strcmp(what, "actor") == 0) return RunActorChild(context.channel.TakeSocket());
  if (strcmp(what, "sink") == 0) return RunRawSink(context.channel.fd());
  if (strcmp(what, "time") == 0) return Time(context);
  return Echo(context.channel.fd());
}

std::vector<forkserver::ChildProgramRow> BenchPrograms() {
  return {{ProcessType::kUtility, forkserver::MakeChildProgram<BenchProgram>},
          {ProcessType::kIpcUnitTest, forkserver::MakeChildProgram<BenchProgram>}};
}

std::vector<forkserver::MetricRow> BenchMetrics() {
  return {{kBenchAdds, forkserver::MetricKind::kCounter, "adds"}};
}

absl::StatusOr<double> AskTimingChild(int socket, std::string_view what) {
  double answer = 0;
  if (send(socket, what.data(), what.size(), MSG_NOSIGNAL) < 0 ||
      recv(socket, &answer, sizeof(answer), 0) != sizeof(answer)) {
    return forkserver::ErrnoStatus(errno, "question to the timing child");
  }
  if (answer < 0) {
    return forkserver::ErrnoStatus(static_cast<int>(-answer), "open in the timing child");
  }
  return answer;
}

absl::StatusOr<RealisticPlan> RealisticPlan::Create() {
  RealisticPlan plan;
  UniqueFd first(open("/dev/null", O_RDONLY | O_CLOEXEC));
  UniqueFd second(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  if (!first.is_open() || !second.is_open()) {
    return forkserver::ErrnoStatus(errno, "open /dev/null");
  }
  LaunchOptions& options = plan.options_;
  options.type = ProcessType::kUtility;
  options.way = kForkedLaunch;
  options.environment_base = forkserver::EnvironmentBase::kEmpty;
  for (int i = 0; i < 20; ++i) {
    options.set_environment.push_back(
        absl::StrFormat("BENCH_VARIABLE_%d=the value of variable number %d", i, i));
  }
  options.stdio = {forkserver::Stdio::Null(), forkserver::Stdio::Null(),
                   forkserver::Stdio::Descriptor(STDERR_FILENO)};
  options.Map(first.get(), 10).Map(second.get(), 11);
  options.working_directory = "/";
  options.limits = {{RLIMIT_NOFILE, 256, 256}, {RLIMIT_CORE, 0, 0}};
  options.title = "bench child of the launch benchmark";
  plan.open_.push_back(std::move(first));
  plan.open_.push_back(std::move(second));
  return plan;
}

LaunchOptions RealisticPlan::Work(uint64_t seed) const {
  LaunchOptions options = For({"work", absl::StrCat(seed)});
  // The type whose row asks for its first work to be recorded.
  options.type = ProcessType::kIpcUnitTest;
  return options;
}

LaunchOptions RealisticPlan::For(std::vector<std::string> arguments) const {
  LaunchOptions options = options_;
  options.argv = {"bench-child"};
  for (std::string& argument : arguments) options.argv.push_back(std::move(argument));
  return options;
}

}  // namespace bench
