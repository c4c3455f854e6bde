// Lines go whole to whatever stderr is, and whoever writes them neither waits nor ends for it.
#include "transceiver/stderr_line.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "transceiver/clock.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

constexpr size_t kPipeBytes = 16 * 4096;

// While it lives, descriptor 2 is a duplicate of `fd`, or closed.
class StderrIs {
 public:
  explicit StderrIs(int fd, int flags = 0) : before_(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10)) {
    if (fd < 0) {
      close(STDERR_FILENO);
    } else {
      EXPECT_EQ(dup3(fd, STDERR_FILENO, flags), STDERR_FILENO);
    }
  }
  ~StderrIs() { EXPECT_EQ(dup3(before_.get(), STDERR_FILENO, 0), STDERR_FILENO); }

 private:
  const UniqueFd before_;
};

struct Pipe {
  explicit Pipe(int flags = 0) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | flags), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
    EXPECT_EQ(fcntl(writer.get(), F_SETPIPE_SZ, kPipeBytes), static_cast<int>(kPipeBytes));
  }
  void Fill() const {
    const std::string bytes(kPipeBytes, 'x');
    EXPECT_EQ(write(writer.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::string Read() const {
    char bytes[kPipeBytes + 1];
    const ssize_t size = read(reader.get(), bytes, sizeof(bytes));
    return size < 0 ? "nothing" : std::string(bytes, static_cast<size_t>(size));
  }
  UniqueFd reader;
  UniqueFd writer;
};

void WriteAndKeepErrno(std::string_view line) {
  errno = EXDEV;
  WriteStderrLine(line);
  EXPECT_EQ(errno, EXDEV);
}

void FullPipeLosesLinesAndSaysHowMany(int flags) {
  const Pipe pipe(flags);
  pipe.Fill();
  {
    const StderrIs stderr_is(pipe.writer.get());
    const int64_t start = NowNanos();
    // Waited for once, or these were half a minute.
    for (int i = 0; i < 300; ++i) WriteAndKeepErrno("lost\n");
    EXPECT_LT(NowNanos() - start, 20 * kNanosPerSecond);
    EXPECT_GE(NowNanos() - start, kNanosPerSecond / 10);
    EXPECT_EQ(pipe.Read(), std::string(kPipeBytes, 'x'));
    WriteAndKeepErrno("there\n");
    WriteAndKeepErrno("and again\n");
  }
  EXPECT_EQ(pipe.Read(), "300 lines were dropped: stderr was full\nthere\nand again\n");
}

TEST(StderrLine, IsDroppedAndCountedWhereAPipeIsFull) { FullPipeLosesLinesAndSaysHowMany(0); }

TEST(StderrLine, IsDroppedAndCountedWhereAPipeThatDoesNotBlockIsFull) {
  FullPipeLosesLinesAndSaysHowMany(O_NONBLOCK);
}

TEST(StderrLine, IsNotWrittenWhereStderrIsClosed) {
  const StderrIs stderr_is(-1);
  WriteAndKeepErrno("nowhere\n");
  EXPECT_EQ(fcntl(STDERR_FILENO, F_GETFD), -1);
}

TEST(StderrLine, IsNotWrittenToADescriptorThatHasTakenTheNumber) {
  const Pipe pipe(O_NONBLOCK);
  {
    const StderrIs stderr_is(pipe.writer.get(), O_CLOEXEC);
    WriteAndKeepErrno("into somebody's conversation\n");
  }
  EXPECT_EQ(pipe.Read(), "nothing");
}

TEST(StderrLine, RaisesNoSignalWhereTheReaderIsGone) {
  ASSERT_NE(signal(SIGPIPE, SIG_DFL), SIG_ERR);
  Pipe pipe;
  pipe.reader.reset();
  const StderrIs stderr_is(pipe.writer.get());
  WriteAndKeepErrno("to nobody\n");
}

// A file that may not grow, while it lives.
class FileOfNoRoom {
 public:
  FileOfNoRoom() : file_(memfd_create("file", MFD_CLOEXEC)) {
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit none = {.rlim_cur = 0, .rlim_max = before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  }
  ~FileOfNoRoom() { EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &before_), 0); }
  int fd() const { return file_.get(); }

 private:
  const UniqueFd file_;
  rlimit before_ = {};
};

bool Waits(int signal) {
  sigset_t pending;
  EXPECT_EQ(sigpending(&pending), 0);
  return sigismember(&pending, signal) == 1;
}

TEST(StderrLine, RaisesNoSignalWhereAFileMayNotGrow) {
  ASSERT_NE(signal(SIGXFSZ, SIG_DFL), SIG_ERR);
  const FileOfNoRoom file;
  const StderrIs stderr_is(file.fd());
  WriteAndKeepErrno("too much\n");
  EXPECT_FALSE(Waits(SIGXFSZ));
}

// Not the caller's own, which it may wait for.
TEST(StderrLine, LeavesASignalThatWaitsAlready) {
  sigset_t wanted, before;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGXFSZ);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &wanted, &before), 0);
  raise(SIGXFSZ);
  {
    const FileOfNoRoom file;
    const StderrIs stderr_is(file.fd());
    WriteAndKeepErrno("too much\n");
  }
  EXPECT_TRUE(Waits(SIGXFSZ));
  const timespec now = {};
  sigtimedwait(&wanted, nullptr, &now);
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
}

TEST(StderrLine, IsCutWhereItIsTooLong) {
  const Pipe pipe(O_NONBLOCK);
  {
    const StderrIs stderr_is(pipe.writer.get());
    WriteAndKeepErrno(std::string(4096, 'y'));
  }
  EXPECT_EQ(pipe.Read(), std::string(kMostStderrLineBytes, 'y'));
}

}  // namespace
}  // namespace forkserver
