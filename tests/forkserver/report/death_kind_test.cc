// Which death is what, of each end that the host knows and each record.
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>

#include "forkserver/report/crash_report.h"

namespace forkserver {
namespace {

FlightEnd KilledBy(int signal) {
  return {.status = {.kind = ExitStatus::Kind::kKilled, .code = signal, .usage = std::nullopt}};
}

FlightEnd KilledByTheHostWith(int signal) {
  FlightEnd end = KilledBy(signal);
  end.signals_sent = SignalBit(signal);
  return end;
}

CrashRecord RecordOf(int signal) {
  CrashRecord record;
  record.was_mapped = true;
  if (signal == 0) return record;
  RecordedCrash crash;
  crash.signal = signal;
  record.crash = std::make_shared<const RecordedCrash>(std::move(crash));
  return record;
}

std::string Kind(const FlightEnd& end, const CrashRecord& record) {
  return std::string(DeathKindName(KindOf(end, record)));
}

constexpr int kCrashSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

TEST(DeathKind, OfACrashsSignalIsCrashWithARecordAndWithout) {
  for (const int signal : kCrashSignals) {
    EXPECT_EQ(Kind(KilledBy(signal), RecordOf(signal)), "crash");
    EXPECT_EQ(Kind(KilledBy(signal), RecordOf(0)), "crash");
  }
}

TEST(DeathKind, OfAnyOtherSignalIsKilledWhateverTheRecordHas) {
  for (const int signal : {SIGKILL, SIGTERM, SIGXCPU, SIGRTMAX}) {
    EXPECT_EQ(Kind(KilledBy(signal), RecordOf(0)), "killed");
    EXPECT_EQ(Kind(KilledBy(signal), RecordOf(SIGSEGV)), "killed");
  }
}

TEST(DeathKind, OfTheSandboxsSignalIsCrashOfTheCallThatItWasFor) {
  FlightEnd end = KilledBy(SIGKILL);
  end.refused = {{.call = "openat", .outcome = CallOutcome::kRefused},
                 {.call = "ptrace", .outcome = CallOutcome::kKilled},
                 {.call = "mount", .outcome = CallOutcome::kRefused}};
  EXPECT_EQ(Kind(end, RecordOf(0)), "crash");
  const CrashReport report = {.kind = DeathKind::kCrash, .end = std::move(end)};
  EXPECT_EQ(CauseText(report), "SIGKILL, by its sandbox for ptrace");
  EXPECT_EQ(WhyNoStack(report), "it was killed from outside");
  // Others' SIGKILL is not the sandbox's, whatever that has refused.
  FlightEnd other = KilledBy(SIGKILL);
  other.refused = {{.call = "openat", .outcome = CallOutcome::kRefused}};
  EXPECT_EQ(Kind(other, RecordOf(0)), "killed");
}

TEST(DeathKind, OfTheHostsSignalIsNoneUnlessItsHandlerRecordedIt) {
  EXPECT_EQ(Kind(KilledByTheHostWith(SIGKILL), RecordOf(0)), "end");
  EXPECT_EQ(Kind(KilledByTheHostWith(SIGKILL), RecordOf(SIGSEGV)), "end");
  EXPECT_EQ(Kind(KilledByTheHostWith(SIGABRT), RecordOf(0)), "end");
  EXPECT_EQ(Kind(KilledByTheHostWith(SIGABRT), RecordOf(SIGABRT)), "crash");
}

TEST(DeathKind, OfAnotherCrashsSignalThanTheRecordedOneIsCrash) {
  EXPECT_EQ(Kind(KilledBy(SIGILL), RecordOf(SIGABRT)), "crash");
}

TEST(DeathKind, OfOneThatWasLateIsThatUnlessItCrashed) {
  FlightEnd late = KilledByTheHostWith(SIGKILL);
  late.missed_deadline = "not Ready after 10s";
  EXPECT_EQ(Kind(late, RecordOf(0)), "missed deadline");
  late.status.code = SIGSEGV;
  EXPECT_EQ(Kind(late, RecordOf(SIGSEGV)), "crash");
  // Whose handler did not run, and that was not what the host sent.
  EXPECT_EQ(Kind(late, RecordOf(0)), "crash");
}

TEST(DeathKind, OfOneThatExitedIsNoneWhateverTheRecordHas) {
  FlightEnd end;
  end.status.code = 3;
  EXPECT_EQ(Kind(end, RecordOf(SIGSEGV)), "end");
}

}  // namespace
}  // namespace forkserver
