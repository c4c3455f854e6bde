#include "transceiver/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "transceiver/huge_page.h"

namespace forkserver {
namespace {

constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

size_t MappedPages() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages;
}

TEST(Mapping, AlignedBeginsAtAMultiple) {
  const size_t page = static_cast<size_t>(getpagesize());
  for (const size_t alignment : {page, 16 * page, kHugePage}) {
    for (const size_t size : {size_t{1}, page, page + 1, kHugePage, kHugePage + page}) {
      Mapping mapping;
      ASSERT_EQ(mapping.MapAligned(size, alignment, PROT_READ | PROT_WRITE, kAnonymous, -1), 0);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(mapping.bytes().data()) % alignment, 0u);
      ASSERT_EQ(mapping.bytes().size(), size);
      mapping.bytes().front() = 1;
      mapping.bytes().back() = 1;
    }
  }
}

TEST(Mapping, AlignedTakesNoAddressesBesides) {
  const size_t page = static_cast<size_t>(getpagesize());
  const size_t before = MappedPages();
  {
    Mapping mapping;
    ASSERT_EQ(mapping.MapAligned(page + 1, kHugePage, PROT_READ, kAnonymous, -1), 0);
    EXPECT_EQ(MappedPages(), before + 2);
  }
  EXPECT_EQ(MappedPages(), before);
}

TEST(Mapping, AlignedThatFailsLeavesWhatWasThere) {
  Mapping mapping;
  ASSERT_EQ(mapping.Map(100, PROT_READ | PROT_WRITE, kAnonymous, -1), 0);
  mapping.bytes()[99] = 9;
  const size_t before = MappedPages();
  EXPECT_EQ(mapping.MapAligned(0, kHugePage, PROT_READ, kAnonymous, -1), EINVAL);
  EXPECT_EQ(mapping.MapAligned(100, kHugePage, PROT_READ, MAP_SHARED, -1), EBADF);
  EXPECT_EQ(mapping.MapAligned(SIZE_MAX / 2, kHugePage, PROT_READ, kAnonymous, -1), ENOMEM);
  EXPECT_EQ(MappedPages(), before);
  EXPECT_EQ(mapping.bytes()[99], 9);
}

}  // namespace
}  // namespace forkserver
