// The warm-up in a process of its own (warm_painter.cc).
#include <gtest/gtest.h>

#include "tests/testing/program.h"

namespace browser_host {
namespace {

TEST(WarmUpPainter, LeavesNoThreadAndNoDescriptorAndNothingToOpen) {
  const forkserver::testing::ProgramResult result =
      forkserver::testing::RunProgram({"tests/examples/paint/warm_painter"});
  EXPECT_EQ(result.exit_code, 0) << result.how << result.errors;
  EXPECT_EQ(result.output,
            "fonts: ok, threads: 1\n"
            "warm-up: ok\n"
            "threads: 1\n"
            "descriptors left: 0\n"
            "painted\n");
}

}  // namespace
}  // namespace browser_host
