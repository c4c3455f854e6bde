// Sandboxed children live on when their fork server is destroyed.
#include <gtest/gtest.h>

#include "tests/testing/program.h"

namespace forkserver {
namespace {

TEST(Parting, ASandboxedChildLivesOnAndItsNamespaceWithIt) {
  const testing::ProgramResult result = testing::RunProgram({"tests/forkserver/parting_host"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output,
            "with its server: opened\n"
            "children left: 2, threads left: 1\n"
            // Nobody is left to ask.
            "without it: ENOSYS\n"
            "exited with status 7\n"
            "children left: 0\n");
}

}  // namespace
}  // namespace forkserver
