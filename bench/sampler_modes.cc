#include "bench/sampler_modes.h"

#include <stdlib.h>
#include <string.h>

#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bench/bench_program.h"
#include "bench/direct_fork.h"
#include "bench/launch_once.h"
#include "bench/launch_rate.h"
#include "bench/navigate.h"
#include "bench/sampler.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/report/telemetry.h"

namespace bench {
namespace {

using forkserver::ForkServer;
using forkserver::FreezeMethod;

constexpr char kForkFlag[] = "--sampler=fork";
constexpr char kLaunchFlag[] = "--sampler=launch";
constexpr char kHugePagesFlag[] = "--sampler=launch-huge-pages";
constexpr char kNavigateFlag[] = "--sampler=navigate";
constexpr char kTelemetryFlag[] = "--sampler=telemetry";

absl::Status BadRequest(const std::string& request) {
  return absl::InvalidArgumentError("no such request: " + request);
}

template <typename Sample>
absl::StatusOr<double> SecondOf(Sample sample) {
  if (absl::StatusOr<double> first = sample(); !first.ok()) return first;
  return sample();
}

int SampleForks(Mebibytes heap) {
  if (absl::Status built = BuildHeap(heap); !built.ok()) {
    RefuseRequests(built);
    return 1;
  }
  uint64_t seed = 0;
  AnswerRequests([&](const std::string& request) -> absl::StatusOr<double> {
    if (request == "ready") {
      return SecondOf([] { return ForkReady([] { return true; }); });
    }
    if (request == "work") {
      return SecondOf([&] {
        ++seed;
        return ForkReady([seed] { return LookUp(kLookUps, seed); });
      });
    }
    return BadRequest(request);
  });
  return 0;
}

// How the template of a heap is started.
forkserver::StartOptions TemplateOf(Mebibytes heap, FreezeMethod freeze) {
  forkserver::StartOptions options = {.programs = BenchPrograms(), .freeze = freeze};
  if (heap.count > 0) options.warm_ups = {{"heap", [heap] { return BuildHeap(heap); }}};
  return options;
}

absl::Status CheckHeap(const forkserver::HelloMessage& hello, Mebibytes heap) {
  if (heap.count == 0) return absl::OkStatus();
  if (hello.warm_ups.size() != 1) return absl::InternalError("the template tells of no heap");
  const forkserver::WarmUpReport& report = hello.warm_ups[0];
  if (!report.error.empty()) return absl::InternalError("heap: " + report.error);
  return absl::OkStatus();
}

absl::StatusOr<double> AnswerWithLaunch(ForkServer& server, const RealisticPlan& plan,
                                        uint64_t& seed, const std::string& request) {
  if (request == "once") return LaunchReady(server, plan.Exit());
  if (request == "ready") {
    return SecondOf([&] { return LaunchReady(server, plan.Exit()); });
  }
  if (request == "work") {
    return SecondOf([&] { return LaunchFirstByte(server, plan.Work(++seed)); });
  }
  const std::pair<std::string, std::string> words = absl::StrSplit(request, ' ');
  int count;
  if (!absl::SimpleAtoi(words.second, &count) || count < 1) return BadRequest(request);
  if (words.first == "rate") return LaunchExitRate(server, plan.Exit(), count, kRateWindow);
  if (words.first == "threads") {
    return LaunchExitRateOfThreads(server, plan.Exit(), count, kRateWindow);
  }
  return BadRequest(request);
}

int SampleLaunches(int argc, char** argv, Mebibytes heap, FreezeMethod freeze) {
  auto server = ForkServer::Start(argc, argv, TemplateOf(heap, freeze));
  const auto refuse = [](const absl::Status& why) {
    RefuseRequests(why);
    return 1;
  };
  if (!server.ok()) return refuse(server.status());
  const auto hello = (*server)->WaitUntilServing(absl::Minutes(3));
  if (!hello.ok()) return refuse(hello.status());
  if (absl::Status built = CheckHeap(*hello, heap); !built.ok()) return refuse(built);
  absl::StatusOr<RealisticPlan> plan = RealisticPlan::Create();
  if (!plan.ok()) return refuse(plan.status());
  uint64_t seed = 0;
  AnswerRequests(
      [&](const std::string& request) { return AnswerWithLaunch(**server, *plan, seed, request); });
  return 0;
}

int SampleNavigations(int argc, char** argv) {
  auto server = ForkServer::Start(argc, argv, NavigationHost());
  const auto refuse = [](const absl::Status& why) {
    RefuseRequests(why);
    return 1;
  };
  if (!server.ok()) return refuse(server.status());
  const auto navigator = Navigator::Create(**server);
  if (!navigator.ok()) return refuse(navigator.status());
  AnswerRequests([&](const std::string& request) -> absl::StatusOr<double> {
    if (request == "pooled") return SecondOf([&] { return (*navigator)->FromPool(); });
    if (request == "forked") return SecondOf([&] { return (*navigator)->Forked(); });
    return BadRequest(request);
  });
  return 0;
}

int SampleAdds(int argc, char** argv) {
  const forkserver::Telemetry telemetry({.metrics = BenchMetrics()});
  forkserver::StartOptions options = {.programs = BenchPrograms()};
  telemetry.AddTo(options);
  auto server = ForkServer::Start(argc, argv, std::move(options));
  const auto refuse = [](const absl::Status& why) {
    RefuseRequests(why);
    return 1;
  };
  if (!server.ok()) return refuse(server.status());
  absl::StatusOr<RealisticPlan> plan = RealisticPlan::Create();
  if (!plan.ok()) return refuse(plan.status());
  auto child = (*server)->Launch(plan->Time());
  if (!child.ok()) return refuse(child.status());
  uint64_t wanted = 0;
  AnswerRequests([&](const std::string& request) -> absl::StatusOr<double> {
    if (request != kTimedAtomicAdd && request != kTimedTelemetryAdd) return BadRequest(request);
    const absl::StatusOr<double> nanos = AskTimingChild(child->socket.get(), request);
    if (request == kTimedTelemetryAdd) wanted += kAdds;
    // Of what counts for nobody the time says nothing.
    const uint64_t counted = telemetry.Collect().Count(kBenchAdds);
    if (counted != wanted) {
      return absl::InternalError(absl::StrCat(wanted, " adds, of which ", counted, " are counted"));
    }
    return nanos;
  });
  return 0;
}

const char* FlagOf(SamplerMode mode) {
  switch (mode) {
    case SamplerMode::kFork:
      return kForkFlag;
    case SamplerMode::kLaunch:
      return kLaunchFlag;
    case SamplerMode::kLaunchHugePages:
      return kHugePagesFlag;
    case SamplerMode::kNavigate:
      return kNavigateFlag;
    case SamplerMode::kTelemetry:
      break;
  }
  return kTelemetryFlag;
}

}  // namespace

std::vector<std::string> SamplerCommand(SamplerMode mode, Mebibytes heap, std::string program) {
  return {program.empty() ? "/proc/self/exe" : std::move(program), FlagOf(mode),
          absl::StrCat(heap.count)};
}

std::optional<int> RunIfSampler(int argc, char** argv) {
  if (argc != 3) return std::nullopt;
  const Mebibytes heap = {atoll(argv[2])};
  if (strcmp(argv[1], kForkFlag) == 0) return SampleForks(heap);
  if (strcmp(argv[1], kLaunchFlag) == 0) {
    return SampleLaunches(argc, argv, heap, FreezeMethod::kMemfd);
  }
  if (strcmp(argv[1], kHugePagesFlag) == 0) {
    return SampleLaunches(argc, argv, heap, FreezeMethod::kAnonymousHugePages);
  }
  if (strcmp(argv[1], kNavigateFlag) == 0) return SampleNavigations(argc, argv);
  if (strcmp(argv[1], kTelemetryFlag) == 0) return SampleAdds(argc, argv);
  return std::nullopt;
}

}  // namespace bench
