// Without a sandbox every attempt is done: what a policy refuses later, it refused itself.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <set>
#include <string>

#include "tests/sandbox/attempts.h"
#include "tests/sandbox/host_targets.h"
#include "tests/sandbox/run_unsandboxed.h"
#include "tests/transceiver/open_descriptors.h"

namespace forkserver::testing {
namespace {

constexpr int kMayBeUnavailable = 3;

std::string ChildrenOfThisThread() {
  std::ifstream file("/proc/thread-self/children");
  std::string line;
  std::getline(file, line);
  return line;
}

class AttemptsUnsandboxed : public ::testing::Test {
 protected:
  void SetUp() override {
    descriptors_ = OpenDescriptors();
    absl::StatusOr<std::unique_ptr<HostTargets>> made = HostTargets::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    host_ = *std::move(made);
  }

  void TearDown() override {
    host_.reset();
    EXPECT_EQ(OpenDescriptors(), descriptors_);
    EXPECT_EQ(ChildrenOfThisThread(), "");
  }

  // Of fresh targets.
  AttemptResult Run(std::string_view name, Bounds bounds = Bounds::kNone) {
    const absl::Status fresh = host_->Restore();
    EXPECT_TRUE(fresh.ok()) << fresh;
    const absl::StatusOr<AttemptResult> result = RunUnsandboxed(name, *host_, bounds);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(AttemptResult());
  }

  size_t descriptors_ = 0;
  std::unique_ptr<HostTargets> host_;
};

TEST(AttemptList, HasNamesOfItsOwnAndSentences) {
  std::set<std::string_view> names;
  for (const Attempt& attempt : Attempts()) {
    EXPECT_TRUE(names.insert(attempt.name).second) << attempt.name << " is there twice";
    EXPECT_EQ(FindAttempt(attempt.name), &attempt);
    EXPECT_TRUE(attempt.what.ends_with('.')) << attempt.name;
    EXPECT_EQ(attempt.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"),
              std::string_view::npos)
        << attempt.name;
  }
  EXPECT_GE(names.size(), 70u);
  EXPECT_EQ(FindAttempt("no such attempt"), nullptr);
}

TEST(AttemptList, PrintsALineForEachAttempt) {
  const std::string tables = AttemptsAsMarkdown();
  for (const Attempt& attempt : Attempts()) {
    const std::string cells = std::string(attempt.name) + "` | " + std::string(attempt.what);
    EXPECT_NE(tables.find("\n| `" + cells), std::string::npos) << attempt.name;
  }
}

TEST(AttemptTargets, ArriveAsTheyWereSent) {
  AttemptTargets targets;
  targets.sibling_pid = 412;
  targets.sibling_secret = 0xfedcba9876543210;
  targets.secret[0] = 's';
  const std::optional<AttemptTargets> arrived = DecodeTargets(EncodeTargets(targets));
  ASSERT_TRUE(arrived.has_value());
  EXPECT_EQ(memcmp(&*arrived, &targets, sizeof(targets)), 0);
}

TEST(AttemptTargets, AreNotReadFromWhatIsNone) {
  const std::string text = EncodeTargets({});
  EXPECT_FALSE(DecodeTargets(text.substr(2)).has_value());
  EXPECT_FALSE(DecodeTargets("x" + text.substr(1)).has_value());
  EXPECT_FALSE(DecodeTargets("").has_value());
}

// For another user than root: all that do not need to be root.
TEST_F(AttemptsUnsandboxed, AreAllDone) {
  int unavailable = 0;
  for (const Attempt& attempt : Attempts()) {
    if (attempt.needs == Needs::kRoot && geteuid() != 0) continue;
    const AttemptResult result = Run(attempt.name);
    if (result.outcome == Outcome::kUnavailable) {
      printf("%s: %s\n", std::string(attempt.name).c_str(), ToString(result).c_str());
      ++unavailable;
      continue;
    }
    EXPECT_EQ(result.outcome, Outcome::kDone) << attempt.name << ": " << ToString(result);
  }
  EXPECT_LE(unavailable, kMayBeUnavailable);
}

// So an attempt is able to fail, and the column of what needs root is right.
TEST_F(AttemptsUnsandboxed, ThatNeedRootAreRefusedToNobody) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  for (const Attempt& attempt : Attempts()) {
    if (attempt.needs != Needs::kRoot) continue;
    const AttemptResult result = Run(attempt.name, Bounds::kNobody);
    EXPECT_NE(result.outcome, Outcome::kDone) << attempt.name;
    EXPECT_NE(result.outcome, Outcome::kKilled) << attempt.name << ": " << ToString(result);
  }
}

TEST_F(AttemptsUnsandboxed, AreAllRefusedWhereNoCallIsAllowed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's own allocator needs calls";
#endif
  for (const Attempt& attempt : Attempts()) {
    const AttemptResult result = Run(attempt.name, Bounds::kNoCalls);
    EXPECT_EQ(result.outcome, Outcome::kRefused) << attempt.name << ": " << ToString(result);
    EXPECT_NE(result.error, 0) << attempt.name << ": " << ToString(result);
    EXPECT_NE(result.step[0], 0) << attempt.name;
  }
}

TEST_F(AttemptsUnsandboxed, SignalTheSiblingWhereTheySaySo) {
  for (const std::string_view name :
       {"kill-sibling", "tgkill-sibling", "tkill-sibling", "rt-sigqueueinfo-sibling",
        "rt-tgsigqueueinfo-sibling", "pidfd-signal-sibling", "fcntl-setown-sibling"}) {
    EXPECT_EQ(Run(name).outcome, Outcome::kDone) << name;
    const absl::StatusOr<bool> signalled = host_->SiblingWasSignalled();
    ASSERT_TRUE(signalled.ok()) << signalled.status();
    EXPECT_TRUE(*signalled) << name;
    EXPECT_FALSE(host_->SiblingWasSignalled().value()) << "the answer is of one question only";
  }
}

TEST_F(AttemptsUnsandboxed, DoNotFindTheSecretOfAnotherHost) {
  AttemptTargets others = host_->targets();
  others.secret[0] = '-';
  for (const std::string_view name :
       {"read-secret-file", "read-in-given-directory", "read-sibling-mem", "ptrace-sibling",
        "process-vm-readv-sibling", "pidfd-getfd-sibling", "shmat-host-segment"}) {
    const absl::StatusOr<AttemptResult> result = RunUnsandboxed(name, *host_, others);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->outcome, Outcome::kElsewhere) << name << ": " << ToString(*result);
  }
}

TEST_F(AttemptsUnsandboxed, ADeathIsSeen) {
  const AttemptResult result = Run("die");
  EXPECT_EQ(result.outcome, Outcome::kKilled);
  EXPECT_EQ(result.error, SIGKILL);
  EXPECT_EQ(ToString(result), "killed by signal 9");
}

TEST_F(AttemptsUnsandboxed, AnEndWithoutAWordIsNoAnswer) {
  EXPECT_FALSE(RunUnsandboxed("say-nothing", *host_, Bounds::kNone).ok());
  EXPECT_FALSE(RunUnsandboxed("no such attempt", *host_, Bounds::kNone).ok());
}

TEST_F(AttemptsUnsandboxed, LeaveTheScratchDirectoryToBeMadeAnew) {
  const std::string prey = std::string(host_->targets().directory) + "/scratch/prey";
  EXPECT_EQ(Run("unlink").outcome, Outcome::kDone);
  EXPECT_NE(access(prey.c_str(), F_OK), 0);
  EXPECT_TRUE(host_->Restore().ok());
  EXPECT_EQ(access(prey.c_str(), F_OK), 0);
}

TEST(HostTargets, LeaveNothingBehind) {
  std::string directory;
  {
    const absl::StatusOr<std::unique_ptr<HostTargets>> host = HostTargets::Create();
    ASSERT_TRUE(host.ok()) << host.status();
    directory = (*host)->targets().directory;
    EXPECT_EQ(access(directory.c_str(), F_OK), 0);
  }
  EXPECT_NE(access(directory.c_str(), F_OK), 0);
}

TEST(HostTargets, FailWithoutASibling) {
  const size_t descriptors = OpenDescriptors();
  const absl::Status status = HostTargets::Create("tests/sandbox/nobody").status();
  EXPECT_EQ(status.message(), "posix_spawn tests/sandbox/nobody: ENOENT");
  EXPECT_EQ(OpenDescriptors(), descriptors);
}

}  // namespace
}  // namespace forkserver::testing
