// When a process has died, as its report says, where it was reaped long after that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "child/flight/flight_record.h"
#include "forkserver/report/crash_report.h"
#include "tests/forkserver/report/crash_program.h"
#include "tests/testing/host_test.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using testing::HostSetup;
using ::testing::Lt;

constexpr int64_t kSecond = kNanosPerSecond;

// Of this host.
struct Ends {
  std::mutex mutex;
  std::vector<FlightEnd> all;

  static Ends& Get() {
    static Ends ends;
    return ends;
  }
  std::optional<FlightEnd> Take() {
    const std::lock_guard<std::mutex> lock(mutex);
    if (all.empty()) return std::nullopt;
    FlightEnd end = std::move(all.front());
    all.erase(all.begin());
    return end;
  }
};

CrashReport Report(FlightEnd end) {
  StackTracer tracer("/proc/self/exe");
  return MakeCrashReport(std::move(end), tracer);
}

// Asked for at 100 s, crashed at `crashed_at` by its own word (0: it has not), reaped at 200 s.
FlightEnd End(int64_t crashed_at) {
  FlightEnd end = {.ended_at = 200 * kSecond};
  end.who.begun_at = 100 * kSecond;
  end.status.kind = ExitStatus::Kind::kKilled;
  end.status.code = SIGSEGV;
  end.record.reset(memfd_create("flight-record", MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(end.record.get(), sizeof(FlightRecord)), 0);
  const auto write = [&](size_t offset, const void* from, size_t bytes) {
    EXPECT_EQ(pwrite(end.record.get(), from, bytes, static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes));
  };
  const uint32_t magic = FlightRecord::kMagic;
  write(offsetof(FlightRecord, magic), &magic, sizeof(magic));
  if (crashed_at == 0) return end;
  const uint32_t state = CrashArea::kWritten;
  const int32_t signal = SIGSEGV;
  write(offsetof(FlightRecord, crash) + offsetof(CrashArea, state), &state, sizeof(state));
  write(offsetof(FlightRecord, crash) + offsetof(CrashArea, signal), &signal, sizeof(signal));
  write(offsetof(FlightRecord, crash) + offsetof(CrashArea, at), &crashed_at, sizeof(crashed_at));
  return end;
}

RefusedCall Refused(int64_t seconds, CallOutcome outcome = CallOutcome::kRefused) {
  RefusedCall call;
  call.time = seconds * kSecond;
  call.outcome = outcome;
  return call;
}

std::vector<int64_t> SecondsOf(const std::vector<RefusedCall>& calls) {
  std::vector<int64_t> seconds;
  for (const RefusedCall& call : calls) seconds.push_back(call.time / kSecond);
  return seconds;
}

TEST(TimeOfDeath, IsThatOfTheRecordedCrash) {
  FlightEnd end = End(150 * kSecond);
  end.refused = {Refused(148), Refused(149), Refused(150)};
  const CrashReport report = Report(std::move(end));
  EXPECT_EQ(report.uptime, absl::Seconds(50));
  EXPECT_EQ(report.end.ended_at, 150 * kSecond);
  EXPECT_THAT(SecondsOf(report.end.refused), ElementsAre(149, 150));
}

TEST(TimeOfDeath, IsNeitherBeforeTheLaunchNorAfterTheReaping) {
  EXPECT_EQ(Report(End(1)).uptime, absl::ZeroDuration());
  EXPECT_EQ(Report(End(INT64_MIN)).uptime, absl::ZeroDuration());
  EXPECT_EQ(Report(End(INT64_MAX)).uptime, absl::Seconds(100));
}

TEST(TimeOfDeath, WithoutACrashIsThatOfTheReaping) {
  FlightEnd end = End(0);
  end.refused = {Refused(198), Refused(199)};
  const CrashReport report = Report(std::move(end));
  EXPECT_EQ(report.uptime, absl::Seconds(100));
  EXPECT_THAT(SecondsOf(report.end.refused), ElementsAre(199));
}

TEST(TimeOfDeath, OfOneThatTheBrokerHasKilledIsThatOfItsCall) {
  FlightEnd end = End(0);
  end.status.code = SIGKILL;
  end.refused = {Refused(118), Refused(120), Refused(120, CallOutcome::kKilled)};
  const CrashReport report = Report(std::move(end));
  EXPECT_EQ(report.uptime, absl::Seconds(20));
  EXPECT_THAT(SecondsOf(report.end.refused), ElementsAre(120, 120));
}

TEST(TimeOfDeath, IsNotBeforeAnyMemoryThatWasSeen) {
  FlightEnd end = End(150 * kSecond);
  end.memory = MemorySample{.at = 151 * kSecond, .resident = 1, .shared = 1};  // it dumped its core
  EXPECT_EQ(Report(std::move(end)).end.memory->at, 150 * kSecond);
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  setup.options.programs = {{ProcessType::kUtility, MakeChildProgram<CrashProgram>}};
  setup.options.templates = {{.name = "content", .sandbox = {.policy = SandboxPolicyId::kContent}}};
  setup.options.flight_recorder.on_end = [](FlightEnd end) {
    const std::lock_guard<std::mutex> lock(Ends::Get().mutex);
    Ends::Get().all.push_back(std::move(end));
  };
  return setup;
}

namespace {

HOST_TEST(TimeOfDeath, OfAChildThatIsReapedLateHasWhatWasRefusedToIt) {
  absl::StatusOr<LaunchedChild> child = server.Launch(
      {.type = ProcessType::kUtility, .argv = {"refused"}, .template_name = "content"});
  ASSERT_TRUE(child.ok()) << child.status();
  const int64_t reaped_at = NowNanos() + 3 * kSecond / 2;
  ASSERT_TRUE(testing::DispatchUntil(server, [&] { return NowNanos() > reaped_at; }));
  ASSERT_TRUE(child->process.Wait().ok());
  std::optional<FlightEnd> end = Ends::Get().Take();
  ASSERT_TRUE(end);
  EXPECT_THAT(end->ended_at, Gt(reaped_at));
  const CrashReport report = Report(*std::move(end));
  EXPECT_THAT(report.uptime, Lt(absl::Seconds(1)));
  ASSERT_EQ(report.end.refused.size(), 1u);
  EXPECT_THAT(ToString(report.end.refused[0]), HasSubstr("/etc/passwd"));
}

}  // namespace
}  // namespace forkserver
