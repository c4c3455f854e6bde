#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_format.h"
#include "tests/hostile/hostile_test.h"
#include "transceiver/clock.h"
#include "transceiver/poll_until.h"

namespace forkserver::testing {
namespace {

// Where the victim leaves its count: a file of the test's own process.
constexpr char kCountVariable[] = "FORKSERVER_TEST_HOSTILE_COUNT";

// More than what launches leave in the heap's bins, and much less than a flood brings.
constexpr size_t kHeapBytes = 4 << 20;

int tried = 0;

void ExpectNextLaunch(ForkServer& server) {
  absl::StatusOr<LaunchedChild> next =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"exit", "7"}});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->process.Wait()->code, 7);
}

}  // namespace

Bystander::Bystander() {
  char program[] = "/bin/sleep";
  char for_ever[] = "infinity";
  char* argv[] = {program, for_ever, nullptr};
  char* environment[] = {nullptr};
  EXPECT_EQ(posix_spawn(&pid_, program, nullptr, nullptr, argv, environment), 0);
  pidfd_ = OpenPidfd(pid_);
}

Bystander::~Bystander() {
  EXPECT_EQ(PollUntil(pidfd_.get(), POLLIN, NowNanos()), 0) << "a bystander was killed";
  Process(pid_, std::move(pidfd_));  // ends it
}

void CountHostileMessages(int count) { tried += count; }

void RunHostileTest(const char* test, void (*victims_body)(ForkServer& server)) {
  if (getenv(kCountVariable) != nullptr) return RunInHost(test, victims_body);
  const UniqueFd file(memfd_create("hostile messages", MFD_CLOEXEC));
  setenv(kCountVariable, absl::StrFormat("/proc/%d/fd/%d", getpid(), file.get()).c_str(), 1);
  RunInHost(test, victims_body);
  unsetenv(kCountVariable);
  char text[32] = {};
  EXPECT_GT(pread(file.get(), text, sizeof(text) - 1, 0), 0) << "no message was tried";
  if (!::testing::Test::HasFailure()) {
    ::testing::Test::RecordProperty("hostile_messages", atoi(text));
  }
}

void RunHostileBody(ForkServer& server, void (*body)(ForkServer& server)) {
  ExpectNextLaunch(server);
  const size_t heap = mallinfo2().uordblks;
  const size_t descriptors = CountOpenDescriptors();
  body(server);
  EXPECT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  ExpectNextLaunch(server);
  EXPECT_TRUE(server.WaitUntilServing().ok());
  EXPECT_LE(mallinfo2().uordblks, heap + kHeapBytes) << "the host's heap has grown";
  EXPECT_LE(CountOpenDescriptors(), descriptors) << "the host keeps descriptors";
  const UniqueFd file(open(getenv(kCountVariable), O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(tried);
  EXPECT_EQ(write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

}  // namespace forkserver::testing
