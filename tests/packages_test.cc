// The libraries that the project is built on link and work, also those that no room uses yet.
#include <errno.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <openssl/rand.h>
#include <png.h>
#include <seccomp.h>
#include <zlib.h>

#include <string>

#include "absl/status/statusor.h"

namespace {

TEST(Packages, LiburingSetsUpARing) {
  io_uring ring;
  const int error = io_uring_queue_init(4, &ring, 0);
  if (error == -ENOSYS || error == -EPERM) {
    GTEST_SKIP() << "io_uring is not allowed here: the host's loop is epoll";
  }
  ASSERT_EQ(error, 0);
  io_uring_prep_nop(io_uring_get_sqe(&ring));
  EXPECT_EQ(io_uring_submit_and_wait(&ring, 1), 1);
  io_uring_queue_exit(&ring);
}

TEST(Packages, LibseccompCompilesAFilterWithTheBinaryTree) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  ASSERT_NE(filter, nullptr);
  EXPECT_EQ(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), 0);
  EXPECT_EQ(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ptrace), 0), 0);
  seccomp_release(filter);
}

TEST(Packages, OpensslHasAGenerator) {
  unsigned char byte;
  EXPECT_EQ(RAND_bytes(&byte, 1), 1);
}

TEST(Packages, LibpngAndZlibAreThoseOfTheirHeaders) {
  EXPECT_EQ(png_access_version_number(), png_uint_32{PNG_LIBPNG_VER});
  EXPECT_STREQ(zlibVersion(), ZLIB_VERSION);
}

TEST(Packages, AbseilCarriesAStatus) {
  const absl::StatusOr<std::string> missing = absl::NotFoundError("what");
  EXPECT_EQ(missing.status().message(), "what");
}

}  // namespace
