// A failed launch in one line, and in numbers.
#include "forkserver/host/launch_failure.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <string>

#include "child/sandbox/sandbox_layer.h"

namespace forkserver {
namespace {

std::string Line(const LaunchFailure& failure) {
  return std::string(LaunchFailureStatus("launch of content", failure).message());
}

TEST(LaunchFailure, NamesStepEntryDetailAndErrno) {
  EXPECT_EQ(Line({.step = LaunchStep::kDescriptors, .error = EBADF, .index = 3}),
            "launch of content: descriptors, entry 3: EBADF");
  EXPECT_EQ(Line({.step = LaunchStep::kSpawn, .error = EACCES, .detail = "execveat program"}),
            "launch of content: spawn: execveat program: EACCES");
}

TEST(LaunchFailure, OfASandboxNamesLayerAndCallAndTheErrnoOnce) {
  const LaunchFailure failure = {.step = LaunchStep::kSandbox,
                                 .error = EPERM,
                                 .index = static_cast<uint32_t>(SandboxLayer::kNetworkNamespace),
                                 .detail = "network namespace: unshare CLONE_NEWNET: EPERM"};
  EXPECT_EQ(Line(failure),
            "launch of content: sandbox: network namespace: unshare CLONE_NEWNET: EPERM");
  const std::optional<LaunchFailure> read =
      GetLaunchFailure(LaunchFailureStatus("launch of content", failure));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->step, failure.step);
  EXPECT_EQ(read->error, failure.error);
  EXPECT_EQ(read->index, failure.index);
  EXPECT_EQ(read->detail, failure.detail);
}

TEST(LaunchFailure, OfAllOfAListNamesNoEntry) {
  EXPECT_EQ(Line({.step = LaunchStep::kEnvironment, .error = E2BIG}),
            "launch of content: environment: too long, together with the arguments: E2BIG");
  EXPECT_EQ(Line({.step = LaunchStep::kDescriptors, .error = E2BIG}),
            "launch of content: descriptors: too many: E2BIG");
}

TEST(LaunchFailure, OfASandboxWithoutAnErrnoOfItsOwnHasOne) {
  EXPECT_EQ(Line({.step = LaunchStep::kSandbox,
                  .error = EOPNOTSUPP,
                  .detail = "Landlock: TCP: the kernel's Landlock is too old"}),
            "launch of content: sandbox: Landlock: TCP: the kernel's Landlock is too old: "
            "EOPNOTSUPP");
}

TEST(LaunchFailure, OfAChildNamesTheLayerByItsNumber) {
  const auto line = [](SandboxLayer layer, int error) {
    return Line(
        {.step = LaunchStep::kSandbox, .error = error, .index = static_cast<uint32_t>(layer)});
  };
  EXPECT_EQ(line(SandboxLayer::kOwnFilter, E2BIG),
            "launch of content: sandbox: the child's own layers: E2BIG");
  EXPECT_EQ(line(SandboxLayer::kUserNamespace, EPERM),
            "launch of content: sandbox: user namespace: EPERM");
  EXPECT_EQ(line(SandboxLayer::kPidNamespace, 0), "launch of content: sandbox: pid namespace");
  EXPECT_EQ(Line({.step = LaunchStep::kSandbox, .error = EPERM, .index = 4000}),
            "launch of content: sandbox: unknown layer: EPERM");
}

}  // namespace
}  // namespace forkserver
