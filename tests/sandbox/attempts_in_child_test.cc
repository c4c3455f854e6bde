// A template's children make attempts as processes of their own do: what is refused to them later
// is refused by their sandbox.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "tests/sandbox/attempt_program.h"
#include "tests/testing/host_test.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<AttemptProgram>}};
  return setup;
}

namespace testing {
namespace {

absl::StatusOr<AttemptResult> Try(ForkServer& server, HostTargets& host, std::string_view name) {
  const absl::Status fresh = host.Restore();
  if (!fresh.ok()) return fresh;
  absl::StatusOr<LaunchedChild> child =
      server.Launch(AttemptLaunch(ProcessType::kIpcUnitTest, name, host));
  if (!child.ok()) return child.status();
  return AwaitResult(*std::move(child), name);
}

HOST_TEST(AttemptsInAChild, AreDoneWhereItHasNoSandbox) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const absl::StatusOr<std::unique_ptr<HostTargets>> host = HostTargets::Create();
  ASSERT_TRUE(host.ok()) << host.status();
  for (const AttemptSubject& subject : AttemptSubjects()) {
    // Such a child is in the machine's own mount namespace.
    if (subject.name == "mounts") continue;
    for (const Attempt& attempt : subject.attempts) {
      const absl::StatusOr<AttemptResult> result = Try(server, **host, attempt.name);
      ASSERT_TRUE(result.ok()) << attempt.name << ": " << result.status();
      if (result->outcome == Outcome::kUnavailable) continue;  // attempts_unsandboxed_test counts
      EXPECT_EQ(result->outcome, Outcome::kDone) << attempt.name << ": " << ToString(*result);
    }
  }
}

HOST_TEST(AttemptsInAChild, ThatDiesAreSeenByItsEnd) {
  const absl::StatusOr<std::unique_ptr<HostTargets>> host = HostTargets::Create();
  ASSERT_TRUE(host.ok()) << host.status();
  LaunchOptions options = AttemptLaunch(ProcessType::kIpcUnitTest, "flood-memfd", **host);
  // The kernel ends it under way, as a filter would.
  options.limits.push_back({RLIMIT_FSIZE, 4096, 4096});
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<AttemptResult> result = AwaitResult(*std::move(child), "flood-memfd");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, Outcome::kKilled) << ToString(*result);
  EXPECT_EQ(result->error, SIGXFSZ);
}

HOST_TEST(AttemptsInAChild, OfNoKnownNameAreNoAnswer) {
  const absl::StatusOr<std::unique_ptr<HostTargets>> host = HostTargets::Create();
  ASSERT_TRUE(host.ok()) << host.status();
  EXPECT_EQ(Try(server, **host, "no such attempt").status().message(),
            "no such attempt sent no result and exited with status 98");
}

}  // namespace
}  // namespace testing
}  // namespace forkserver
