// What is collected of processes that count: while they run, when they end, and when they are
// killed in the middle of it.
#include "forkserver/report/telemetry.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "forkserver/report/crash_reporter.h"
#include "tests/forkserver/report/counting_program.h"
#include "tests/testing/host_test.h"
#include "tests/testing/temporary_folder.h"
#include "transceiver/mapping.h"

namespace forkserver {
namespace {

using ::testing::ElementsAre;
using testing::HostSetup;
using testing::kSaid;
using testing::kSizes;
using testing::kTicks;
using testing::Tally;
using Json = nlohmann::json;

constexpr ProcessType kType = ProcessType::kUtility;
constexpr uint64_t kMillion = 1'000'000;

// Of this host: made before Start, and there to its end.
struct Collectors {
  testing::TemporaryFolder folder;
  CrashReporter reporter{{.folder = {.path = folder.path() + "/reports"}}};
  Telemetry telemetry{
      {.metrics = testing::CountingMetrics(), .reports = reporter.counter(), .most_events = 1000}};

  static Collectors& Get() {
    static Collectors* const collectors = new Collectors;
    return *collectors;
  }
};

TelemetrySnapshot Collect() { return Collectors::Get().telemetry.Collect(); }

LaunchOptions Counting(std::vector<std::string> argv, std::string template_name = "plain") {
  return {.type = kType,
          .argv = std::move(argv),
          .way = LaunchWay::kFork,
          .template_name = std::move(template_name)};
}

// Who hears of the same already.
struct Others : LaunchObserver {
  void OnLaunchBegun(const LaunchBegun&) override { ++begun; }
  void OnLaunchReady(const LaunchReady&) override { ++ready; }
  void OnLaunchFailed(const LaunchFailed&) override { ++failed; }
  void OnProcessEnded(const ProcessEnded&) override { ++ended; }
  void OnTemplateEvent(const TemplateEvent&) override { ++template_events; }

  std::atomic<int> begun = 0, ready = 0, failed = 0, ended = 0, template_events = 0, refused = 0;
};

const std::shared_ptr<Others>& TheOthers() {
  static const auto* const others = new std::shared_ptr<Others>(new Others);
  return *others;
}

ExitStatus EndOf(ForkServer& server, const LaunchOptions& options) {
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  EXPECT_TRUE(child.ok()) << child.status();
  if (!child.ok()) return {};
  const absl::StatusOr<ExitStatus> status = child->process.Wait(absl::Seconds(20));
  EXPECT_TRUE(status.ok()) << status.status();
  return status.value_or(ExitStatus());
}

bool AwaitByte(const LaunchedChild& child) {
  char byte;
  return recv(child.socket.get(), &byte, 1, 0) == 1;
}

bool SendByte(const LaunchedChild& child) {
  return send(child.socket.get(), "x", 1, MSG_NOSIGNAL) == 1;
}

// What the child counts besides, in memory of its own.
class IndependentCount {
 public:
  IndependentCount() : file_(memfd_create("tally", MFD_CLOEXEC)) {
    EXPECT_EQ(ftruncate(file_.get(), sizeof(Tally)), 0);
    EXPECT_EQ(memory_.Map(sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED, file_.get()), 0);
  }

  LaunchOptions& GiveTo(LaunchOptions& options) const {
    return options.Map(file_.get(), testing::kTallyFd);
  }
  uint64_t Begun() const {
    uint64_t sum = 0;
    for (const Tally::Words& words : tally().threads) sum += words.begun;
    return sum;
  }
  uint64_t Done() const {
    uint64_t sum = 0;
    for (const Tally::Words& words : tally().threads) sum += words.done;
    return sum;
  }

 private:
  const Tally& tally() const { return *reinterpret_cast<const Tally*>(memory_.bytes().data()); }

  const UniqueFd file_;
  Mapping memory_;
};

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup;
  setup.options.programs = {{kType, MakeChildProgram<CountingProgram>}};
  setup.options.templates = {
      {.name = "plain"},
      {.name = "computing", .sandbox = {.policy = SandboxPolicyId::kComputeOnly}},
      {.name = "content", .sandbox = {.policy = SandboxPolicyId::kContent}}};
  // One where the host keeps no records.
  if (test == "Telemetry.OfNobodyIsNothingAndChildrenCountForNobody") {
    setup.options.metrics = CountingMetrics();
    return setup;
  }
  if (test == "Telemetry.CountsDeathsAndReportsByType") {
    setup.options.flight_recorder.on_end = Collectors::Get().reporter.on_end();
  }
  if (test == "Telemetry.JoinsWhoIsToldAlready") {
    setup.options.observer = TheOthers();
    setup.options.broker.reporter.on_refused = [](const RefusedCall&) { ++TheOthers()->refused; };
  }
  Collectors::Get().telemetry.AddTo(setup.options);
  return setup;
}

namespace {

// The child kills itself after its last add: so nothing is under way, and the counts are the same.
HOST_TEST(Telemetry, HasAllThatAChildHasCountedThatIsKilled) {
  std::mt19937_64 random(std::random_device{}());
  uint64_t wanted = 0;
  for (int i = 0; i < 8; ++i) {
    const uint64_t n = random() % kMillion + 1;
    EXPECT_EQ(EndOf(server, Counting({"kill", absl::StrCat(n)})).ToString(), "killed by SIGKILL");
    wanted += n;
    EXPECT_EQ(Collect().Count(kTicks), wanted);
  }
}

// Killed at any moment: its total has every add that has returned, and at most the one under way
// besides. Where none was, which is most of the time, it is the very number.
HOST_TEST(Telemetry, HasAllThatAChildHasCountedWhenItIsKilledAtAnyMoment) {
  std::mt19937_64 random(std::random_device{}());
  uint64_t total = 0;
  for (int i = 0; i < 20; ++i) {
    const IndependentCount independent;
    LaunchOptions options = Counting({"forever", absl::StrCat(kMillion)});
    absl::StatusOr<LaunchedChild> child = server.Launch(independent.GiveTo(options));
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_TRUE(AwaitByte(*child));
    const uint64_t moment = random() % (kMillion / 2);
    while (independent.Done() < moment) {
    }
    ASSERT_EQ(child->process.Signal(SIGKILL), absl::OkStatus());
    ASSERT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
    const uint64_t counted = Collect().Count(kTicks) - total;
    total += counted;
    EXPECT_GE(counted, moment);
    EXPECT_LE(counted, kMillion);
    EXPECT_GE(counted, independent.Done());
    EXPECT_LE(counted, independent.Begun());
    EXPECT_LE(independent.Begun() - independent.Done(), 1u);
  }
}

HOST_TEST(Telemetry, HasAllThatTheThreadsOfAKilledChildHaveCounted) {
  constexpr uint64_t kThreads = 4;
  const IndependentCount independent;
  LaunchOptions options =
      Counting({"forever", absl::StrCat(100 * kMillion), absl::StrCat(kThreads)});
  absl::StatusOr<LaunchedChild> child = server.Launch(independent.GiveTo(options));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(AwaitByte(*child));
  while (independent.Done() < kMillion) {
  }
  ASSERT_EQ(child->process.Signal(SIGKILL), absl::OkStatus());
  ASSERT_TRUE(child->process.Wait().ok());
  const uint64_t counted = Collect().Count(kTicks);
  EXPECT_GE(counted, independent.Done());
  EXPECT_LE(counted, independent.Begun());
  EXPECT_LE(independent.Begun() - independent.Done(), kThreads);
}

HOST_TEST(Telemetry, CountsNothingTwiceThatIsCollectedWhileTheChildRuns) {
  constexpr uint64_t kTimes = 3 * kMillion;
  const IndependentCount independent;
  LaunchOptions options = Counting({"forever", absl::StrCat(kTimes)});
  absl::StatusOr<LaunchedChild> child = server.Launch(independent.GiveTo(options));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(AwaitByte(*child));
  uint64_t last = 0;
  for (int i = 0; i < 200; ++i) {
    const uint64_t before = independent.Done();
    const TelemetrySnapshot snapshot = Collect();
    const uint64_t behind = independent.Begun();
    const uint64_t counted = snapshot.Count(kTicks);
    EXPECT_GE(counted, last);
    EXPECT_GE(counted, before);
    EXPECT_LE(counted, behind);
    EXPECT_EQ(snapshot.types.at(kType).living, 1u);
    last = counted;
  }
  ASSERT_TRUE(AwaitByte(*child));
  EXPECT_EQ(Collect().Count(kTicks), kTimes);
  child->socket.reset();
  ASSERT_TRUE(child->process.Wait()->success());
  const TelemetrySnapshot snapshot = Collect();
  EXPECT_EQ(snapshot.Count(kTicks), kTimes);
  EXPECT_EQ(snapshot.Count(kTicks, kType), kTimes);
  EXPECT_EQ(snapshot.Count(kTicks, ProcessType::kForkServer), 0u);
  EXPECT_EQ(snapshot.types.at(kType).living, 0u);
  EXPECT_EQ(snapshot.types.at(kType).ended, 1u);
}

HOST_TEST(Telemetry, HasWhatAChildCountedThatCrashesIsExecedOrIsSandboxed) {
  LaunchOptions execed = Counting({"kill", "70"}, "");
  execed.way = LaunchWay::kExec;
  LaunchOptions blank = Counting({"kill", "7000"});
  blank.way = LaunchWay::kTemplate;
  ASSERT_EQ(server.SetPool("plain", {.min = 1, .max = 1}), absl::OkStatus());
  ASSERT_TRUE(testing::DispatchUntil(
      server, [&] { return !testing::StatusOf(server, "plain").idle_blanks.empty(); }));
  const std::pair<LaunchOptions, uint64_t> kCases[] = {
      {Counting({"crash", "7"}), 7},
      {execed, 70},
      {Counting({"crash", "700"}, "computing"), 700},
      {blank, 7000}};
  uint64_t wanted = 0;
  for (const auto& [options, count] : kCases) {
    SCOPED_TRACE(count);
    EndOf(server, options);
    wanted += count;
    const TelemetrySnapshot snapshot = Collect();
    EXPECT_EQ(snapshot.Count(kTicks, kType), wanted);
    EXPECT_EQ(snapshot.types.at(kType).unreadable, 0u);
  }
  const ByWay<uint64_t> ready = Collect().launches.types.at(kType).ready;
  EXPECT_EQ(ready[static_cast<size_t>(LaunchedBy::kFork)], 2u);
  EXPECT_EQ(ready[static_cast<size_t>(LaunchedBy::kExec)], 1u);
  EXPECT_EQ(ready[static_cast<size_t>(LaunchedBy::kPool)], 1u);
}

HOST_TEST(Telemetry, SortsValuesIntoBuckets) {
  EndOf(server, Counting({"record", "110"}));
  EndOf(server, Counting({"record", "10"}, "computing"));
  const Histogram histogram = Collect().HistogramOf(kSizes);
  EXPECT_THAT(histogram.bounds, ElementsAre(9, 99));
  EXPECT_THAT(histogram.buckets, ElementsAre(20, 90, 10));
  EXPECT_EQ(histogram.count(), 120u);
  EXPECT_EQ(histogram.sum, 110u * 109 / 2 + 45);
  EXPECT_EQ(Collect().HistogramOf(kTicks).count(), 0u);
}

HOST_TEST(Telemetry, TakesEachEventOnceAndInItsOrder) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Counting({"events", "100"}));
  ASSERT_TRUE(child.ok()) << child.status();
  for (size_t round = 1; round <= 5; ++round) {
    ASSERT_TRUE(AwaitByte(*child));
    for (int twice = 0; twice < 2; ++twice) {
      const TelemetrySnapshot snapshot = Collect();
      const TypeTotals& totals = snapshot.types.at(kType);
      ASSERT_EQ(totals.events.size(), 100 * round);
      EXPECT_EQ(totals.events_lost, 0u);
      EXPECT_EQ(snapshot.Count(kSaid), 100 * round);
    }
    ASSERT_TRUE(SendByte(*child));
  }
  // What comes between the last look and the end is the end's to take.
  ASSERT_TRUE(AwaitByte(*child));
  ASSERT_EQ(child->process.Signal(SIGKILL), absl::OkStatus());
  ASSERT_TRUE(child->process.Wait().ok());
  const TelemetrySnapshot snapshot = Collect();
  const TypeTotals& totals = snapshot.types.at(kType);
  ASSERT_EQ(totals.events.size(), 600u);
  for (size_t i = 0; i < totals.events.size(); ++i) {
    EXPECT_EQ(totals.events[i].text, absl::StrCat("event ", i));
    EXPECT_EQ(totals.events[i].metric, kSaid);
    EXPECT_EQ(totals.events[i].pid, child->process.pid());
    EXPECT_LE(totals.events[i].at, snapshot.at_nanos);
  }
}

HOST_TEST(Telemetry, CountsEventsThatTheRingHadNoRoomFor) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Counting({"events", "300"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(AwaitByte(*child));
  child->socket.reset();
  ASSERT_TRUE(child->process.Wait()->success());
  const TelemetrySnapshot snapshot = Collect();
  const TypeTotals& totals = snapshot.types.at(kType);
  EXPECT_EQ(snapshot.Count(kSaid), 300u);
  EXPECT_EQ(totals.events_lost, 300u - 128);
  ASSERT_EQ(totals.events.size(), 128u);
  EXPECT_EQ(totals.events.front().text, "event 172");
  EXPECT_EQ(totals.events.back().text, "event 299");
}

HOST_TEST(Telemetry, KeepsTheLatestEventsAndCountsTheDropped) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Counting({"events", "120"}));
  ASSERT_TRUE(child.ok()) << child.status();
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(AwaitByte(*child));
    Collect();
    ASSERT_TRUE(SendByte(*child));
  }
  ASSERT_TRUE(AwaitByte(*child));
  const TelemetrySnapshot snapshot = Collect();
  const TypeTotals& totals = snapshot.types.at(kType);
  EXPECT_EQ(totals.events.size(), 1000u);
  EXPECT_EQ(totals.events_dropped, 320u);
  EXPECT_EQ(totals.events.front().text, "event 320");
}

HOST_TEST(Telemetry, CountsWhatNamesNoMetric) {
  EndOf(server, Counting({"misuse"}));
  const TelemetrySnapshot snapshot = Collect();
  EXPECT_EQ(snapshot.types.at(kType).misused, 1u);
  EXPECT_EQ(snapshot.Count(kTicks), 0u);
}

// It cannot make less of what others have counted, and not of another type.
HOST_TEST(Telemetry, OfAChildThatLiesIsItsOwnNumbersAndSaturates) {
  EndOf(server, Counting({"kill", "5"}));
  EXPECT_TRUE(EndOf(server, Counting({"lie"})).success());
  EXPECT_TRUE(EndOf(server, Counting({"lie"})).success());
  const TelemetrySnapshot snapshot = Collect();
  EXPECT_EQ(snapshot.Count(kTicks, kType), UINT64_MAX);
  EXPECT_EQ(snapshot.Count(kTicks, ProcessType::kForkServer), 0u);
  EXPECT_EQ(snapshot.HistogramOf(kSizes).count(), UINT64_MAX);
  EXPECT_EQ(snapshot.types.at(kType).events_lost, UINT64_MAX);
  EXPECT_EQ(snapshot.types.at(kType).events.size(), 0u);
  EXPECT_TRUE(Json::accept(ToJson(snapshot)));
}

HOST_TEST(Telemetry, OfNobodyIsNothingAndChildrenCountForNobody) {
  EXPECT_EQ(EndOf(server, Counting({"kill", "100"})).ToString(), "killed by SIGKILL");
  EXPECT_TRUE(EndOf(server, Counting({"misuse"})).success());
  absl::StatusOr<LaunchedChild> child = server.Launch(Counting({"events", "1"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_TRUE(AwaitByte(*child));
  EXPECT_TRUE(Collect().types.empty());
}

HOST_TEST(Telemetry, CountsLaunchesByTypeAndWayFailuresByStepAndViolations) {
  EndOf(server, Counting({"record"}));
  LaunchOptions execed = Counting({"record"}, "");
  execed.way = LaunchWay::kExec;
  EndOf(server, execed);
  EndOf(server, Counting({"refused"}, "content"));
  LaunchOptions bad = Counting({"record"});
  bad.working_directory = "/does/not/exist";
  EXPECT_FALSE(server.Launch(bad).ok());
  const TelemetrySnapshot snapshot = Collect();
  const LaunchesOfType& launches = snapshot.launches.types.at(kType);
  EXPECT_EQ(launches.begun, 4u);
  EXPECT_EQ(launches.failed, 1u);
  EXPECT_EQ(launches.ready[static_cast<size_t>(LaunchedBy::kExec)], 1u);
  EXPECT_EQ(launches.ready[static_cast<size_t>(LaunchedBy::kFork)], 2u);
  for (size_t way = 0; way < 3; ++way) {
    EXPECT_EQ(snapshot.launches.latency[way].count(), launches.ready[way]);
    EXPECT_GE(snapshot.launches.latency[way].sum, launches.ready[way]);
  }
  ASSERT_EQ(snapshot.launches.failures.size(), 1u);
  EXPECT_EQ(snapshot.launches.failures.begin()->first,
            (FailedLaunch{.type = kType, .step = LaunchStep::kWorkingDirectory, .error = ENOENT}));
  EXPECT_EQ(snapshot.launches.templates.at("root").starts, 1u);
  EXPECT_EQ(snapshot.violations.at(kType).at(CallOutcome::kRefused), 1u);
  EXPECT_GE(snapshot.types.at(kType).ends.by_status.at("exited with status 0"), 3u);
}

HOST_TEST(Telemetry, JoinsWhoIsToldAlready) {
  EndOf(server, Counting({"refused"}, "content"));
  LaunchOptions bad = Counting({"record"});
  bad.working_directory = "/does/not/exist";
  EXPECT_FALSE(server.Launch(bad).ok());
  const Others& others = *TheOthers();
  EXPECT_EQ(others.begun, 2);
  EXPECT_EQ(others.ready, 1);
  EXPECT_EQ(others.failed, 1);
  EXPECT_GE(others.ended, 1);
  EXPECT_GE(others.template_events, 2);
  EXPECT_EQ(others.refused, 1);
  EXPECT_EQ(Collect().launches.types.at(kType).begun, 2u);
  EXPECT_EQ(Collect().violations.at(kType).at(CallOutcome::kRefused), 1u);
}

// A process that ends is in each snapshot once, whether that finds it living or dead.
HOST_TEST(Telemetry, CountsNobodyTwiceAndNobodyNotWhoEndsMeanwhile) {
  constexpr uint64_t kChildren = 100;
  std::atomic<uint64_t> begun = 0;
  std::atomic<uint64_t> reaped = 0;
  std::thread collector([&] {
    uint64_t last = 0;
    while (reaped < kChildren) {
      const uint64_t before = reaped;
      const uint64_t counted = Collect().Count(kTicks);
      EXPECT_GE(counted, last);
      EXPECT_GE(counted, before);
      EXPECT_LE(counted, begun);
      last = counted;
    }
  });
  for (uint64_t i = 0; i < kChildren; ++i) {
    ++begun;
    EndOf(server, Counting({"kill", "1"}));
    ++reaped;
  }
  collector.join();
  EXPECT_EQ(Collect().Count(kTicks), kChildren);
}

HOST_TEST(Telemetry, CountsDeathsAndReportsByType) {
  EndOf(server, Counting({"crash", "1"}));
  EndOf(server, Counting({"kill", "1"}));
  ASSERT_EQ(testing::SignalRoot(server, SIGABRT), absl::OkStatus());
  ASSERT_TRUE(testing::DispatchUntil(
      server, [&] { return Collect().types[ProcessType::kForkServer].ends.crashes == 1; }));
  ASSERT_EQ(Collectors::Get().reporter.Flush(), absl::OkStatus());
  const TelemetrySnapshot snapshot = Collect();
  const EndCounts& ends = snapshot.types.at(kType).ends;
  EXPECT_EQ(ends.crashes, 1u);
  EXPECT_EQ(ends.killed, 1u);
  EXPECT_EQ(ends.by_status.at("killed by SIGSEGV"), 1u);
  EXPECT_EQ(snapshot.reports.at(kType), (ReportCounts{.written = 2}));
  EXPECT_EQ(snapshot.reports.at(ProcessType::kForkServer), (ReportCounts{.written = 1}));
  EXPECT_EQ(snapshot.launches.templates.at("root").deaths, 1u);
}

HOST_TEST(Telemetry, IsJsonWithTheKeysOfItsPage) {
  EndOf(server, Counting({"kill", "12"}));
  EndOf(server, Counting({"record", "10"}));
  absl::StatusOr<LaunchedChild> child = server.Launch(Counting({"events", "1"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(AwaitByte(*child));
  const Json json = Json::parse(ToJson(Collect()));
  EXPECT_EQ(json["metrics"]["ticks"]["kind"], "counter");
  EXPECT_EQ(json["metrics"]["ticks"]["total"], 12);
  EXPECT_EQ(json["metrics"]["ticks"]["types"]["utility"], 12);
  EXPECT_EQ(json["metrics"]["sizes"]["total"]["buckets"], (std::vector<int>{10, 0, 0}));
  EXPECT_EQ(json["metrics"]["sizes"]["bounds"], (std::vector<int>{9, 99}));
  EXPECT_EQ(json["metrics"]["said"]["total"], 1);
  ASSERT_EQ(json["events"].size(), 1u);
  EXPECT_EQ(json["events"][0]["name"], "said");
  EXPECT_EQ(json["events"][0]["text"], "event 0");
  EXPECT_EQ(json["events"][0]["pid"], child->process.pid());
  EXPECT_EQ(json["processes"]["utility"]["ended"], 2);
  EXPECT_EQ(json["processes"]["utility"]["living"], 1);
  EXPECT_EQ(json["ends"]["utility"]["killed by SIGKILL"], 1);
  EXPECT_EQ(json["deaths"]["utility"]["killed"], 1);
  EXPECT_EQ(json["launches"]["utility"]["begun"], 3);
  EXPECT_EQ(json["launch_latency_us"]["exec"]["count"], 0);
}

}  // namespace
}  // namespace forkserver
