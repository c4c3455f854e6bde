// The heap that templates of the benchmark hold: as large as it says, and with what it says in it.
#include "bench/heap.h"

#include <gtest/gtest.h>

namespace bench {
namespace {

// One test, since a process has one heap.
TEST(Heap, IsAsLargeAsAskedForAndHoldsItsKeys) {
  EXPECT_FALSE(LookUp(1, 1)) << "before there is a heap";
  const int64_t before = AnonymousKib();
  ASSERT_TRUE(BuildHeap({16}).ok());
  EXPECT_NEAR(static_cast<double>(AnonymousKib() - before), 16 * 1024, 16 * 1024 * 0.05);
  EXPECT_TRUE(LookUp(1000, 1));
  EXPECT_TRUE(LookUp(1000, 2));
  EXPECT_FALSE(BuildHeap({1}).ok());
}

TEST(AvailableMemory, IsSomething) { EXPECT_GT(AvailableMemory().count, 0); }

}  // namespace
}  // namespace bench
