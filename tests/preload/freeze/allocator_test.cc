// Only glibc's malloc is frozen; with another one the memory stays anonymous, in huge pages.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"
#include "preload/freeze/glibc_allocator.h"
#include "tests/preload/freeze/victim.h"
#include "tests/testing/mappings_below_heap.h"

namespace forkserver::testing {
namespace {

// What a warm-up leaves, in whatever allocator there is.
std::vector<char*> FillHeap() {
  std::vector<char*> blocks;
  for (int i = 0; i < 6000; ++i) {
    blocks.push_back(static_cast<char*>(malloc(10'000)));
    memset(blocks.back(), 'x', 10'000);
  }
  return blocks;
}

void ExpectCallocOfZeroes(const std::vector<char*>& freed) {
  for (char* block : freed) free(block);
  for (const size_t size : {100u, 10'000u, 100'000u, 1'000'000u, 10'000'000u}) {
    for (int i = 0; i < 20; ++i) {
      char* const block = static_cast<char*>(calloc(1, size));
      ASSERT_EQ(CountOthers(block, size, 0), 0u) << size;
      memset(block, 'y', size);
      if (i % 2 == 0) free(block);
    }
  }
}

VICTIM_TEST(Allocator, GlibcsIsRecognized) {
  EXPECT_TRUE(UsesGlibcAllocator());
  PrepareAllocatorForFreeze();
  EXPECT_TRUE(UsesGlibcAllocator());
}

// decay: at once, so that what is freed is given back with MADV_DONTNEED before it is used again.
VICTIM_TEST_WITH(Allocator, WithJemallocNothingIsFrozenAndCallocReturnsZeroes,
                 "LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
                 "MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0") {
  std::ifstream maps("/proc/self/maps");
  bool loaded = false;
  for (std::string line; std::getline(maps, line);) {
    loaded = loaded || line.find("libjemalloc") != line.npos;
  }
  if (!loaded) GTEST_SKIP() << "libjemalloc2 is not installed";
  EXPECT_FALSE(UsesGlibcAllocator());
  PrepareAllocatorForFreeze();
  const std::vector<char*> blocks = FillHeap();
  const FreezeReport report = FreezeMemory({});
  EXPECT_EQ(report.method, FreezeMethod::kAnonymousHugePages);
  EXPECT_EQ(report.WhyNot(), "malloc is not glibc's");
  EXPECT_GT(report.collapsed_bytes, 8 * kMiB) << report.ToString();
  EXPECT_TRUE(ChildPasses([&] { ExpectCallocOfZeroes(blocks); }));
}

VICTIM_TEST(Allocator, WithGlibcsCallocReturnsZeroes) {
  PrepareAllocatorForFreeze();
  const std::vector<char*> blocks = FillHeap();
  Freeze();
  EXPECT_TRUE(ChildPasses([&] { ExpectCallocOfZeroes(blocks); }));
}

void ExpectFirstBlocksOfAChildLieTogether() {
  PrepareAllocatorForFreeze();
  std::vector<char*> blocks;
  for (int i = 0; i < 20'000; ++i) blocks.push_back(static_cast<char*>(malloc(16 + i % 1500)));
  for (size_t i = 0; i < blocks.size(); i += 3) free(blocks[i]);
  Freeze();
  EXPECT_TRUE(ChildPasses([] {
    std::set<uintptr_t> pages;
    size_t bytes = 0;
    for (size_t size = 16; size < 1500; size += 40) {
      pages.insert(reinterpret_cast<uintptr_t>(malloc(size)) / 4096);
      bytes += size + 16;
    }
    EXPECT_LE(pages.size(), bytes / 4096 + 2);
  }));
}

VICTIM_TEST(Allocator, FirstBlocksOfAChildLieTogetherHoweverTheHeapIsBroken) {
  ExpectFirstBlocksOfAChildLieTogether();
}

// The first large block that the heap has no room for is a mapping, and ends the search there too.
void ExpectTheSameWhereMappingsLieBelowTheHeap() {
  ASSERT_TRUE(MappingsLieBelowTheHeap());
  const uint64_t before = StatusBytes(0, "status", "VmSize:");
  ExpectFirstBlocksOfAChildLieTogether();
  EXPECT_LT(StatusBytes(0, "status", "VmSize:") - before, 64 * kMiB);
}

VICTIM_TEST(Allocator, WhereMappingsLieBelowTheHeapByPersonalityFreeBlocksAreUsedUpToo) {
  HaveMappingsBelowTheHeapByPersonality();
  ExpectTheSameWhereMappingsLieBelowTheHeap();
}

VICTIM_TEST(Allocator, WhereMappingsLieBelowTheHeapByAnUnlimitedStackFreeBlocksAreUsedUpToo) {
  HaveMappingsBelowTheHeapByUnlimitedStack();
  ExpectTheSameWhereMappingsLieBelowTheHeap();
}

VICTIM_TEST(Allocator, HugePagesCanBeAskedForAlone) {
  PrepareAllocatorForFreeze();
  const std::vector<char*> blocks = FillHeap();
  const FreezeReport report = FreezeMemory({.method = FreezeMethod::kAnonymousHugePages});
  EXPECT_EQ(report.method, FreezeMethod::kAnonymousHugePages);
  EXPECT_EQ(report.WhyNot(), "off: not asked for");
  EXPECT_GT(report.collapsed_bytes, 40 * kMiB) << report.ToString();
  EXPECT_LE(report.collapsed_bytes, StatusBytes(0, "smaps_rollup", "AnonHugePages:"));
  for (char* block : blocks) ASSERT_EQ(CountOthers(block, 10'000, 'x'), 0u);
}

}  // namespace
}  // namespace forkserver::testing
