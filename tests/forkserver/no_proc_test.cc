// Hosts without /proc: what needs it says so, and nothing hangs.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/testing/program.h"

namespace forkserver {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::Lines;
using testing::ProgramResult;
using testing::RunProgram;
using ::testing::StartsWith;

constexpr char kHost[] = "tests/forkserver/procless_host";

TEST(NoProc, TemplatesForkAndWhatIsExecedSaysThatThereIsNoProc) {
  const ProgramResult result = RunProgram({kHost});
  ASSERT_EQ(result.exit_code, 0) << result.how << "\n" << result.output << result.errors;
  const std::vector<std::string> lines = Lines(result.output);
  EXPECT_THAT(lines, Contains("machine: open /proc/self/exe: ENOENT"));
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_THAT(lines, Contains("freeze: read /proc/self/smaps: ENOENT"));
#endif
  EXPECT_THAT(lines, Contains("fork: exited with status 5"));
  EXPECT_THAT(lines, Contains("exec: launch of ipc-unit-test: spawn: open /proc/self/exe at the "
                              "start: ENOENT"));
  // A template that was killed comes again from the seed; where that is gone too, nothing can.
  EXPECT_THAT(lines, Contains("root again: serves"));
  EXPECT_THAT(lines, Contains("fork again: exited with status 5"));
  EXPECT_THAT(lines, Contains(StartsWith("without a seed: launch of ipc-unit-test: ")));
  EXPECT_THAT(lines.back(), HasSubstr("open /proc/self/exe at the start: ENOENT"));
}

TEST(NoProc, SandboxSaysWhichLayerWantsIt) {
  const ProgramResult result = RunProgram({kHost});
  const std::vector<std::string> lines = Lines(result.output);
  EXPECT_THAT(lines, Contains("sandboxed: exited with status 5"));
  EXPECT_THAT(lines, Contains("user namespace: write /proc/self/setgroups: ENOENT"));
}

// Its root would have to be exec'ed.
TEST(NoProc, HostWithAThreadDoesNotStart) {
  const ProgramResult result = RunProgram({kHost, "thread"});
  EXPECT_EQ(result.exit_code, 1) << result.how << result.errors;
  EXPECT_THAT(result.output, HasSubstr("start: start of root template: spawn: open /proc/self/exe "
                                       "at the start: ENOENT"));
}

}  // namespace
}  // namespace forkserver
