#include "transceiver/unique_fd.h"

#include <fcntl.h>

#include <utility>

#include "gtest/gtest.h"
#include "tests/transceiver/open_descriptors.h"

namespace forkserver {
namespace {

int OpenNull() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST(UniqueFd, OwnsNothingAtFirst) {
  UniqueFd fd;
  EXPECT_EQ(fd.get(), -1);
  EXPECT_FALSE(fd.is_open());
}

TEST(UniqueFd, CountsDescriptorZeroAsOpen) {
  UniqueFd fd(0);
  EXPECT_TRUE(fd.is_open());
  EXPECT_EQ(fd.release(), 0);
}

TEST(UniqueFd, ClosesItsDescriptorAtTheEndOfTheScope) {
  const size_t before = OpenDescriptors();
  {
    UniqueFd fd(OpenNull());
    ASSERT_EQ(OpenDescriptors(), before + 1);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(UniqueFd, HandsItsDescriptorOverWhenMoved) {
  const size_t before = OpenDescriptors();
  UniqueFd first(OpenNull());
  const int number = first.get();
  UniqueFd second(std::move(first));
  EXPECT_EQ(first.get(), -1);
  EXPECT_EQ(second.get(), number);
  EXPECT_EQ(OpenDescriptors(), before + 1);
}

TEST(UniqueFd, ClosesWhatItOwnedWhenAnotherIsMovedIn) {
  UniqueFd first(OpenNull());
  UniqueFd second(OpenNull());
  const int kept = first.get();
  const int closed = second.get();
  second = std::move(first);
  EXPECT_EQ(second.get(), kept);
  EXPECT_TRUE(IsOpen(kept));
  EXPECT_FALSE(IsOpen(closed));
}

TEST(UniqueFd, KeepsItsDescriptorWhenMovedToItself) {
  UniqueFd fd(OpenNull());
  const int number = fd.get();
  UniqueFd& same = fd;
  fd = std::move(same);
  EXPECT_EQ(fd.get(), number);
  EXPECT_TRUE(IsOpen(number));
}

TEST(UniqueFd, LeavesAReleasedDescriptorOpen) {
  int number;
  {
    UniqueFd fd(OpenNull());
    number = fd.release();
    EXPECT_FALSE(fd.is_open());
  }
  EXPECT_TRUE(IsOpen(number));
  UniqueFd again(number);
}

TEST(UniqueFd, ClosesTheOldDescriptorWhenReset) {
  UniqueFd fd(OpenNull());
  const int old = fd.get();
  const int next = OpenNull();
  fd.reset(next);
  EXPECT_EQ(fd.get(), next);
  EXPECT_FALSE(IsOpen(old));
  EXPECT_TRUE(IsOpen(next));
}

TEST(UniqueFd, OwnsNothingAfterAResetWithoutArgument) {
  const size_t before = OpenDescriptors();
  UniqueFd fd(OpenNull());
  fd.reset();
  EXPECT_FALSE(fd.is_open());
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(UniqueFd, KeepsADescriptorThatItIsResetToAndOwnsAlready) {
  UniqueFd fd(OpenNull());
  fd.reset(fd.get());
  EXPECT_TRUE(IsOpen(fd.get()));
}

}  // namespace
}  // namespace forkserver
