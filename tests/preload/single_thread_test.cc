#include "preload/single_thread.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// PIDFD_THREAD, which came with Linux 6.9, after the headers of Debian 12.
constexpr unsigned kPidfdThread = O_EXCL;

// A thread that is there, has its name, has done its work, and waits to be let go. Once this is
// destroyed the thread is gone from /proc/self/task.
class NamedThread {
 public:
  explicit NamedThread(
      const char* name, std::function<void()> work = [] {})
      : thread_([this, name, work] {
          pthread_setname_np(pthread_self(), name);
          tid_ = gettid();
          work();
          ready_.count_down();
          let_go_.wait();
        }) {
    ready_.wait();
    pidfd_.reset(static_cast<int>(syscall(SYS_pidfd_open, tid_, kPidfdThread)));
  }
  ~NamedThread() {
    let_go_.count_down();
    thread_.join();
    // pthread_join returns a moment before the kernel takes the thread off the folder; its pidfd
    // hangs up after that.
    pollfd event = {.fd = pidfd_.get(), .events = 0, .revents = 0};
    while (pidfd_.is_open() && (event.revents & POLLHUP) == 0) poll(&event, 1, -1);
  }

  int tid() const { return tid_; }

 private:
  std::latch ready_{1};
  std::latch let_go_{1};
  int tid_ = 0;
  UniqueFd pidfd_;
  std::thread thread_;  // the last: it uses the others
};

bool ThreadsHavePidfds() {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, gettid(), kPidfdThread))).is_open();
}

std::string Complaint(std::string_view name, int tid) {
  return absl::StrFormat("thread '%s' (tid %d) runs beside the calling one", name, tid);
}

ptrdiff_t CountDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> open_files(opendir("/proc/self/fd"), closedir);
  ptrdiff_t count = 0;
  while (readdir(open_files.get()) != nullptr) ++count;
  return count;
}

class SingleThread : public testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "ThreadSanitizer runs a thread of its own in every process";
#endif
  }
};

TEST_F(SingleThread, AProcessOfOneThreadIsFine) {
  EXPECT_EQ(CheckSingleThreaded(), absl::OkStatus());
}

TEST_F(SingleThread, AnotherThreadIsNamedWithItsTid) {
  const NamedThread thread("pool-worker");
  EXPECT_EQ(CheckSingleThreaded(),
            absl::FailedPreconditionError(Complaint("pool-worker", thread.tid())));
}

TEST_F(SingleThread, ANameOfFifteenCharactersIsGivenWhole) {
  const NamedThread thread("fifteen letters");
  EXPECT_EQ(CheckSingleThreaded(),
            absl::FailedPreconditionError(Complaint("fifteen letters", thread.tid())));
}

TEST_F(SingleThread, AThreadWithoutANameIsReportedByItsTid) {
  const NamedThread thread("");
  EXPECT_EQ(CheckSingleThreaded(), absl::FailedPreconditionError(Complaint("", thread.tid())));
}

TEST_F(SingleThread, OneOfSeveralThreadsIsNamed) {
  const NamedThread first("first");
  const NamedThread second("second");
  EXPECT_THAT(std::string(CheckSingleThreaded().message()),
              AnyOf(Complaint("first", first.tid()), Complaint("second", second.tid())));
}

TEST_F(SingleThread, TheCallersOwnThreadIsNotTheOneTooMany) {
  absl::Status status;
  const NamedThread caller("caller", [&status] { status = CheckSingleThreaded(); });
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrFormat("(tid %d)", getpid())));
}

TEST_F(SingleThread, AThreadThatIsGoneIsNoLongerReported) {
  if (!ThreadsHavePidfds()) GTEST_SKIP() << "no pidfds of threads, which came with Linux 6.9";
  {
    const NamedThread thread("short-lived");
    ASSERT_FALSE(CheckSingleThreaded().ok());
  }
  EXPECT_EQ(CheckSingleThreaded(), absl::OkStatus());
}

TEST_F(SingleThread, TheThreadThatIsLeftIsNamedWhenAnotherIsGone) {
  if (!ThreadsHavePidfds()) GTEST_SKIP() << "no pidfds of threads, which came with Linux 6.9";
  const NamedThread left("left");
  { const NamedThread gone("gone"); }
  EXPECT_EQ(CheckSingleThreaded(), absl::FailedPreconditionError(Complaint("left", left.tid())));
}

// A joined thread stays in /proc/self/task for a moment: a check that counted it would fail here
// about twice in a thousand times.
TEST_F(SingleThread, AJoinedThreadIsNeverReported) {
  for (int i = 0; i < 20'000; ++i) {
    std::thread([] {}).join();
    ASSERT_EQ(CheckSingleThreaded(), absl::OkStatus()) << "after " << i << " threads";
  }
}

TEST_F(SingleThread, TheCheckLeavesNoDescriptorOpen) {
  const ptrdiff_t before = CountDescriptors();
  ASSERT_TRUE(CheckSingleThreaded().ok());
  {
    const NamedThread thread("pool-worker");
    ASSERT_FALSE(CheckSingleThreaded().ok());
  }
  EXPECT_EQ(CountDescriptors(), before);
}

TEST_F(SingleThread, AFolderOfTasksThatCannotBeOpenedIsAnErrorOfItsOwn) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit no_descriptor = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &no_descriptor), 0);
  const absl::Status status = CheckSingleThreaded();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(status.message(), "open /proc/self/task: EMFILE");
}

}  // namespace
}  // namespace forkserver
