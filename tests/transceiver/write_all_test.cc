// All of the bytes are written, or it is known why not.
#include "transceiver/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  UniqueFd reader;
  UniqueFd writer;
};

std::string Read(int fd) {
  std::string text(1 << 20, 0);
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return text;
}

TEST(WriteAll, WritesThemBehindWhatIsThere) {
  const UniqueFd file(memfd_create("file", MFD_CLOEXEC));
  EXPECT_EQ(WriteAll(file.get(), "one\n"), 0);
  EXPECT_EQ(WriteAll(file.get(), ""), 0);
  EXPECT_EQ(WriteAll(file.get(), std::string_view("t\0o\n", 4)), 0);
  EXPECT_EQ(Read(file.get()), std::string("one\nt\0o\n", 8));
}

// A pipe takes what it has room for, and what is left has no place.
TEST(WriteAll, GoesOnBehindAWriteThatTookLess) {
  const Pipe pipe;
  const int size = fcntl(pipe.writer.get(), F_GETPIPE_SZ);
  ASSERT_GT(size, 0);
  EXPECT_EQ(WriteAll(pipe.writer.get(), std::string(static_cast<size_t>(size) + 1, 'x')), EAGAIN);
  std::string text(static_cast<size_t>(size) + 1, 0);
  EXPECT_EQ(read(pipe.reader.get(), text.data(), text.size()), size);
}

TEST(WriteAll, SaysWhyItCannot) {
  EXPECT_EQ(WriteAll(-1, "x"), EBADF);
  const UniqueFd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(WriteAll(full.get(), "x"), ENOSPC);
}

// The first write takes what there is room for.
TEST(WriteAll, OfAFileThatMayNotGrowIsAnErrorAndNoSignal) {
  ASSERT_NE(signal(SIGXFSZ, SIG_DFL), SIG_ERR);
  const UniqueFd file(memfd_create("file", MFD_CLOEXEC));
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {.rlim_cur = 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const int error = WriteAll(file.get(), "0123456789abc");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(error, EFBIG);
  EXPECT_EQ(Read(file.get()), "0123456789");
  sigset_t waiting;
  ASSERT_EQ(sigpending(&waiting), 0);
  EXPECT_EQ(sigismember(&waiting, SIGXFSZ), 0);
}

}  // namespace
}  // namespace forkserver
