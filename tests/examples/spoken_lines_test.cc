// Lines reach whatever stderr is whole, and none is lost.
#include "examples/browser_host/spoken_lines.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "tests/transceiver/watched_thread.h"
#include "transceiver/unique_fd.h"

namespace browser_host {
namespace {

using forkserver::UniqueFd;

// While it lives, stderr is a pipe of which each read gives one write (O_DIRECT, pipe(2)).
class StderrPipe {
 public:
  explicit StderrPipe(int flags = 0) : before_(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10)) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_DIRECT | flags), 0);
    reader_.reset(ends[0]);
    const UniqueFd writer(ends[1]);
    EXPECT_EQ(fcntl(writer.get(), F_SETPIPE_SZ, 4096), 4096);
    EXPECT_EQ(dup3(writer.get(), STDERR_FILENO, 0), STDERR_FILENO);
  }
  ~StderrPipe() { EXPECT_EQ(dup3(before_.get(), STDERR_FILENO, 0), STDERR_FILENO); }

  std::string Read() const {
    char bytes[4096];
    const ssize_t size = read(reader_.get(), bytes, sizeof(bytes));
    return std::string(bytes, size < 0 ? 0 : static_cast<size_t>(size));
  }

 private:
  const UniqueFd before_;
  UniqueFd reader_;
};

TEST(SpokenLines, AreOneWriteEach) {
  const StderrPipe pipe(O_NONBLOCK);
  SpokenLines lines;
  lines.Say("one");
  EXPECT_EQ(pipe.Read(), "one\n");
  const std::string url(2000, 'u');
  lines.Say(url);
  EXPECT_EQ(pipe.Read(), url + "\n");
  EXPECT_EQ(pipe.Read(), "");
  lines.AsLog()("two");
  EXPECT_EQ(pipe.Read(), "browser_host: two\n");
}

TEST(SpokenLines, ThatWaitedAreOneWriteEach) {
  const StderrPipe pipe;
  SpokenLines lines;
  lines.Hold();
  lines.Say("lost");
  for (size_t i = 1; i < SpokenLines::kMostWaiting; ++i) lines.Say("kept");
  lines.Say("last");
  forkserver::WatchedThread speaker([&] { lines.LetGo(); });
  ASSERT_EQ(pipe.Read(), "browser_host: 1 lines before these are lost\n");
  for (size_t i = 1; i < SpokenLines::kMostWaiting; ++i) ASSERT_EQ(pipe.Read(), "kept\n");
  EXPECT_EQ(pipe.Read(), "last\n");
}

// As of a pager that has filled its screen.
void FullPipeIsWaitedFor(int flags, long system_call) {
  const StderrPipe pipe(flags);
  ASSERT_EQ(write(STDERR_FILENO, "one\n", 4), 4);
  SpokenLines lines;
  forkserver::WatchedThread speaker([&] { lines.Say("two"); });
  EXPECT_TRUE(speaker.BlocksIn(system_call));
  EXPECT_EQ(pipe.Read(), "one\n");
  speaker.Join();
  EXPECT_EQ(pipe.Read(), "two\n");
}

TEST(SpokenLines, WaitForAPipeThatIsFull) { FullPipeIsWaitedFor(0, SYS_write); }

TEST(SpokenLines, WaitForAPipeThatIsFullAndDoesNotBlock) {
  FullPipeIsWaitedFor(O_NONBLOCK, SYS_ppoll);
}

}  // namespace
}  // namespace browser_host
