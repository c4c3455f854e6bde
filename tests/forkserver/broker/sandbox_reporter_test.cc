#include "forkserver/host/broker/sandbox_reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <vector>

#include "forkserver/host/broker/brokered_call.h"
#include "gtest/gtest.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

RefusedCall Refused(int64_t time) {
  seccomp_data data = {};
  data.nr = SYS_openat;
  data.arch = kNativeArchitecture;
  data.args[2] = O_RDONLY;
  RefusedCall record = DescribeCall(data);
  record.time = time;
  record.pid = record.tid = 4711;
  record.type = ProcessType::kContent;
  record.path = "/etc/passwd";
  record.error = EACCES;
  return record;
}

TEST(SandboxReporter, ARecordIsOneReadableLine) {
  SandboxReporter reporter;
  RefusalBudget budget;
  RefusedCall record = Refused(1);
  ASSERT_TRUE(reporter.Add(record, budget));
  EXPECT_EQ(ToString(record),
            "sandbox: content pid 4711: openat(\"/etc/passwd\", O_RDONLY) refused: EACCES");
}

TEST(SandboxReporter, ACallWithoutAPathShowsItsArguments) {
  RefusedCall record = Refused(1);
  record.path.clear();
  record.call = "ptrace";
  record.number = SYS_ptrace;
  record.arguments = {0x10, 0x4d2};
  record.outcome = CallOutcome::kKilled;
  record.error = EPERM;
  record.tid = 4712;
  record.suppressed = 3;
  EXPECT_EQ(ToString(record),
            "sandbox: content pid 4711 thread 4712: ptrace(0x10, 0x4d2) killed for it: EPERM "
            "(3 more before it)");
}

TEST(SandboxReporter, APathCannotBreakTheLine) {
  RefusedCall record = Refused(1);
  record.call = "openat";
  record.path = "/a\nsandbox: \"\x1b[2J";
  const std::string line = ToString(record);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(SandboxReporter, ACallWithoutANameHasItsNumber) {
  EXPECT_EQ(CallName(kNativeArchitecture, 9999), "call 9999");
}

TEST(SandboxReporter, TheOldestGoesFirstAndIsCounted) {
  SandboxReporter reporter({.max_records = 3, .of_one_child = {.burst = 100, .per_second = 10}});
  RefusalBudget budget;
  for (int i = 0; i < 5; ++i) {
    RefusedCall record = Refused(i);
    EXPECT_TRUE(reporter.Add(record, budget));
  }
  const std::vector<RefusedCall> kept = reporter.Snapshot();
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept.front().sequence, 3u);
  EXPECT_EQ(kept.back().sequence, 5u);
  EXPECT_EQ(reporter.dropped(), 2u);
  const std::vector<RefusedCall> later = reporter.Since(4);
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].time, 4);
}

TEST(SandboxReporter, WhatIsOverABudgetIsToldByTheNextRecord) {
  SandboxReporter reporter({.of_one_child = {.burst = 2, .per_second = 10}});
  RefusalBudget budget;
  const int64_t tenth = kNanosPerSecond / 10;
  int kept = 0;
  for (int i = 0; i < 7; ++i) {
    RefusedCall record = Refused(i);
    kept += reporter.Add(record, budget);
  }
  EXPECT_EQ(kept, 2);
  EXPECT_EQ(reporter.suppressed(), 5u);
  RefusedCall next = Refused(tenth + 6);
  ASSERT_TRUE(reporter.Add(next, budget));
  EXPECT_EQ(next.suppressed, 5u);
  // One came in that time, no more.
  RefusedCall over = Refused(tenth + 7);
  EXPECT_FALSE(reporter.Add(over, budget));
}

TEST(SandboxReporter, TellsOfEachRefusalAlsoOfWhatIsOverABudget) {
  std::vector<int64_t> told;
  SandboxReporter reporter(
      {.of_one_child = {.burst = 2, .per_second = 10},
       .on_refused = [&](const RefusedCall& record) { told.push_back(record.time); }});
  RefusalBudget budget;
  for (int i = 0; i < 4; ++i) {
    RefusedCall record = Refused(i);
    reporter.Add(record, budget);
  }
  EXPECT_EQ(told, (std::vector<int64_t>{0, 1, 2, 3}));
}

TEST(SandboxReporter, ABudgetFillsUpToItsBurst) {
  SandboxReporter reporter({.of_one_child = {.burst = 2, .per_second = 10}});
  RefusalBudget budget;
  int kept = 0;
  RefusedCall first = Refused(0);
  reporter.Add(first, budget);
  for (int i = 0; i < 5; ++i) {
    RefusedCall record = Refused(100 * kNanosPerSecond);
    kept += reporter.Add(record, budget);
  }
  EXPECT_EQ(kept, 2);
}

TEST(SandboxReporter, OneChildsStormLeavesAnothersBudgetAlone) {
  SandboxReporter reporter({.of_one_child = {.burst = 1, .per_second = 10}});
  RefusalBudget noisy;
  RefusalBudget quiet;
  for (int i = 0; i < 10; ++i) {
    RefusedCall record = Refused(i);
    reporter.Add(record, noisy);
  }
  RefusedCall record = Refused(10);
  EXPECT_TRUE(reporter.Add(record, quiet));
  EXPECT_EQ(record.suppressed, 0u);
}

TEST(SandboxReporter, KnowsTheLastOfOneProcessSinceATime) {
  SandboxReporter reporter({.of_one_child = {.burst = 100, .per_second = 100}});
  RefusalBudget budget;
  for (int64_t time = 1; time <= 10; ++time) {
    RefusedCall record = Refused(time);
    record.pid = time % 2 == 0 ? 4711 : 4712;
    ASSERT_TRUE(reporter.Add(record, budget));
  }
  const auto times = [&](pid_t pid, int64_t since, size_t most) {
    std::vector<int64_t> all;
    for (const RefusedCall& record : reporter.LastOf(pid, since, most)) all.push_back(record.time);
    return all;
  };
  EXPECT_EQ(times(4711, 0, 100), (std::vector<int64_t>{2, 4, 6, 8, 10}));
  EXPECT_EQ(times(4711, 6, 100), (std::vector<int64_t>{6, 8, 10}));
  EXPECT_EQ(times(4711, 0, 2), (std::vector<int64_t>{8, 10}));
  EXPECT_EQ(times(4712, 9, 100), (std::vector<int64_t>{9}));
  EXPECT_EQ(times(4713, 0, 100), std::vector<int64_t>());
}

}  // namespace
}  // namespace forkserver
