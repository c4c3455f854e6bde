// What a sample says of a process is what that process has done; and what cannot be said has a
// reason.
#include "forkserver/report/process_sample.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_format.h"
#include "tests/forkserver/report/dirtying_program.h"
#include "tests/testing/host_test.h"
#include "transceiver/clock.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<DirtyingProgram>}};
  setup.options.warm_ups = {{"memory", WarmUpMemory}};
  return setup;
}

namespace {

using testing::LaunchAndWait;

constexpr uint64_t kPage = 4096;

ProcessSample Sample(const absl::StatusOr<LaunchedChild>& child) {
  const ProcessSample sample = TakeProcessSample(child->process.pid());
  EXPECT_TRUE(sample.stat.ok()) << sample.stat.status();
  EXPECT_TRUE(sample.memory.ok()) << sample.memory.status();
  EXPECT_TRUE(sample.descriptors.ok()) << sample.descriptors.status();
  EXPECT_TRUE(sample.uptime_nanos.ok()) << sample.uptime_nanos.status();
  return sample;
}

// What another child has that has done nothing is not what it has done.
HOST_TEST(Sample, CountsPagesFaultsThreadsAndDescriptorsOfTheChild) {
  const auto idle = LaunchAndWait(server, {"idle"});
  const auto fresh = LaunchAndWait(server, {"fresh", "500"});
  const auto threads = LaunchAndWait(server, {"threads", "3"});
  const auto descriptors = LaunchAndWait(server, {"descriptors", "20"});
  ASSERT_TRUE(idle.ok() && fresh.ok() && threads.ok() && descriptors.ok());
  const ProcessSample before = Sample(idle);
  const ProcessSample after = Sample(fresh);
  EXPECT_EQ(before.stat->parent, getpid());
  EXPECT_EQ(before.stat->threads, 1);
  EXPECT_EQ(Sample(threads).stat->threads, 4);
  EXPECT_EQ(*Sample(descriptors).descriptors, *before.descriptors + 20);

  const int64_t faults = static_cast<int64_t>(after.stat->minor_faults - before.stat->minor_faults);
  // Which pages the kernel maps around a fault differs by a few from child to child.
  EXPECT_GE(faults, 480);
  EXPECT_LE(faults, 600);
  EXPECT_EQ(after.stat->major_faults, 0);
  const uint64_t more = after.memory->private_bytes() - before.memory->private_bytes();
  EXPECT_GE(more, 480 * kPage);
  EXPECT_LE(more, 600 * kPage);
  EXPECT_GE(before.memory->resident, before.memory->proportional);
  EXPECT_GE(before.memory->proportional, before.memory->private_bytes());
  EXPECT_EQ(before.memory->resident,
            before.memory->private_bytes() + before.memory->shared_bytes());
}

// The kernel counts them from the fork, and not from the template's exec: whoever counted the
// template's too would have one for each page of the three blocks that it warmed.
HOST_TEST(Sample, FaultsOfTheTemplateAreNotTheChilds) {
  constexpr uint64_t kWarmed = 3 * testing::kWarmPages;
  const ProcessSample root = TakeProcessSample(*server.root_pid());
  ASSERT_TRUE(root.stat.ok()) << root.stat.status();
  EXPECT_GE(root.stat->minor_faults, kWarmed);
  const auto idle = LaunchAndWait(server, {"idle"});
  ASSERT_TRUE(idle.ok()) << idle.status();
  EXPECT_LT(Sample(idle).stat->minor_faults, kWarmed);
}

HOST_TEST(Sample, ProcessorTimeIsTheChildsSinceItsFork) {
  const int64_t start = NowNanos();
  const auto child = LaunchAndWait(server, {"spin"});
  ASSERT_TRUE(child.ok()) << child.status();
  const int64_t took = NowNanos() - start;
  const ProcessSample sample = Sample(child);
  // Counted in ticks of 10 ms.
  EXPECT_GE(sample.stat->user_nanos, 30'000'000);
  EXPECT_LE(sample.stat->cpu_nanos(), took + 20'000'000);
  EXPECT_LE(*sample.uptime_nanos, took + 30'000'000);
  EXPECT_GE(*sample.uptime_nanos, 40'000'000);

  const auto later = Sample(child);
  const std::optional<double> share = CpuShare(sample, later);
  ASSERT_TRUE(share.has_value());
  EXPECT_GE(*share, 0);
  ProcessSample halfway = sample;
  halfway.taken_at = later.taken_at - 100'000'000;
  halfway.stat->user_nanos = later.stat->user_nanos - 50'000'000;
  halfway.stat->system_nanos = later.stat->system_nanos;
  EXPECT_DOUBLE_EQ(*CpuShare(halfway, later), 0.5);
  // Of another process, of no time, or of none at all there is no share.
  halfway.stat->started_at += 1;
  EXPECT_FALSE(CpuShare(halfway, later).has_value());
  EXPECT_FALSE(CpuShare(later, later).has_value());
  EXPECT_FALSE(CpuShare(ProcessSample{.pid = later.pid}, later).has_value());
}

HOST_TEST(Sample, ChildThatHasEndedIsSaidToHave) {
  auto child = LaunchAndWait(server, {"idle"});
  ASSERT_TRUE(child.ok()) << child.status();
  const pid_t pid = child->process.pid();
  const ProcessSample before = Sample(child);
  ASSERT_TRUE(child->process.Signal(SIGKILL).ok());
  ASSERT_TRUE(testing::WaitForEnd(testing::OpenPidfd(pid)));
  const ProcessSample unreaped = TakeProcessSample(pid);
  ASSERT_TRUE(unreaped.stat.ok()) << unreaped.stat.status();
  EXPECT_EQ(unreaped.stat->state, 'Z');
  EXPECT_TRUE(SameProcess(before, unreaped));
  EXPECT_EQ(unreaped.memory.status().message(),
            absl::StrFormat("pid %d: has ended, and is unreaped", pid));
  EXPECT_FALSE(unreaped.descriptors.ok());
  ASSERT_TRUE(child->process.Wait().ok());
  const ProcessSample gone = TakeProcessSample(pid);
  EXPECT_EQ(gone.stat.status().message(), absl::StrFormat("open /proc/%d: ENOENT", pid));
  EXPECT_EQ(gone.memory.status(), gone.stat.status());
  EXPECT_FALSE(SameProcess(before, gone));
}

// Another user may know that it is there, and no more; so it is with a host that is not root and a
// child that is not dumpable.
HOST_TEST(Sample, WhatMayNotBeReadHasTheReasonWhy) {
  const auto child = LaunchAndWait(server, {"idle"});
  ASSERT_TRUE(child.ok()) << child.status();
  const pid_t pid = child->process.pid();
  ProcessSample sample;
  std::thread([&] {
    // Of this thread alone: the C library's function would be all threads'.
    constexpr uid_t kNobody = 65534;
    ASSERT_EQ(syscall(SYS_setresuid, kNobody, kNobody, kNobody), 0);
    sample = TakeProcessSample(pid);
  }).join();
  EXPECT_TRUE(sample.stat.ok()) << sample.stat.status();
  EXPECT_TRUE(sample.uptime_nanos.ok());
  EXPECT_EQ(sample.memory.status().message(),
            absl::StrFormat("openat /proc/%d/smaps_rollup: EACCES", pid));
  EXPECT_EQ(sample.descriptors.status().message(),
            absl::StrFormat("openat /proc/%d/fd: EACCES", pid));
}

HOST_TEST(Sample, MemoryThatIsNotAskedForIsNotRead) {
  const auto child = LaunchAndWait(server, {"idle"});
  ASSERT_TRUE(child.ok()) << child.status();
  const ProcessSample sample = TakeProcessSample(child->process.pid(), SampledMemory::kLeftOut);
  EXPECT_TRUE(sample.stat.ok());
  EXPECT_TRUE(sample.descriptors.ok());
  EXPECT_EQ(sample.memory.status().message(), "not asked for");
}

}  // namespace
}  // namespace forkserver
