#include "tests/forkserver/model/ipc_unit_test_program.h"

#include <fcntl.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/forkserver/model/actor_cases.h"

namespace forkserver::testing {
namespace {

// A sandbox has no /proc to look into.
int CountByAsking() {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

// What GoogleTest has to say of `run`, in a process that runs no test of its.
template <typename Run>
CaseResult ResultOf(Run run) {
  ::testing::TestPartResultArray failures;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(&failures);
    run();
  }
  std::string text;
  for (int i = 0; i < failures.size(); ++i) {
    const ::testing::TestPartResult& one = failures.GetTestPartResult(i);
    absl::StrAppend(&text, one.file_name() != nullptr ? one.file_name() : "", ":",
                    one.line_number(), ": ", one.message(), "\n");
  }
  return {.failures = text.substr(0, 4096)};
}

template <Side kSide>
CaseResult RunSide(std::string_view name, Endpoint<Line, kSide> end) {
  return ResultOf([&] {
    const int before = CountByAsking();
    RunActorCase(name, std::move(end));
    EXPECT_EQ(CountByAsking(), before - 1) << "all but the endpoint's own";
  });
}

}  // namespace

absl::Status IpcUnitTestChild::Receive(RunParentSide& message, Resolver<CaseResult> resolver) {
  return resolver.Resolve(RunSide(message.name.view(), std::move(message.end)));
}

absl::Status IpcUnitTestChild::Receive(RunChildSide& message, Resolver<CaseResult> resolver) {
  return resolver.Resolve(RunSide(message.name.view(), std::move(message.end)));
}

absl::Status IpcUnitTestChild::Receive(WaitForHost&, Resolver<CaseResult> resolver) {
  return resolver.Resolve(ResultOf([&] {
    const absl::Status missed =
        CallAndWait(AskHost{.question = "slow"}, absl::Milliseconds(1)).status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(missed)) << missed;
    const absl::StatusOr<Assistance> reply =
        CallAndWait(AskHost{.question = "now"}, absl::Seconds(7));
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->words, "host says now");
  }));
}

absl::Status IpcUnitTestHost::Receive(AskHost& message, Resolver<Assistance> resolver) {
  if (message.question == "slow") {
    slow_ = std::move(resolver);
    return absl::OkStatus();
  }
  if (absl::Status late = slow_.Resolve({.words = "host says slow"}); !late.ok()) return late;
  return resolver.Resolve({.words = "host says " + message.question.str()});
}

}  // namespace forkserver::testing
