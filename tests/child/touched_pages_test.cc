#include "child/touched_pages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/preload/freeze/victim.h"
#include "transceiver/huge_page.h"
#include "transceiver/mapping.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

void PrintTo(const PageRun& run, std::ostream* out) {
  char text[64];
  snprintf(text, sizeof(text), "%lx+%u %s", run.start, run.pages,
           run.access == PageAccess::kWrite  ? "written"
           : run.access == PageAccess::kRead ? "read"
                                             : "folio");
  *out << text;
}

bool operator==(const PageRun& a, const PageRun& b) {
  return a.start == b.start && a.pages == b.pages && a.access == b.access;
}

namespace {

using testing::ChildPasses;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kFolio = 512 * kPage;
constexpr PageAccess kRead = PageAccess::kRead;
constexpr PageAccess kWrite = PageAccess::kWrite;
constexpr PageAccess kReadFolio = PageAccess::kReadFolio;

uint64_t At(uint64_t page) { return page * kPage; }

using Runs = std::vector<PageRun>;
Runs RunsOf(const TouchedPages& touched) { return {touched.runs, touched.runs + touched.count}; }

void AddAll(const Runs& runs, TouchedPages& touched) {
  for (const PageRun& run : runs) touched.Add(run.start, run.pages, run.access);
}

// In both orders, which must not matter while there is room.
void ExpectUnion(const Runs& a, const Runs& b, const Runs& expected) {
  for (const bool swapped : {false, true}) {
    TouchedPages touched;
    TouchedPages other;
    AddAll(swapped ? b : a, touched);
    AddAll(swapped ? a : b, other);
    AddTouchedPages(touched, other);
    EXPECT_EQ(RunsOf(touched), expected) << (swapped ? "the second and the first" : "in order");
    TouchedPages counted;
    AddAll(expected, counted);
    EXPECT_EQ(touched.read, counted.read);
    EXPECT_EQ(touched.written, counted.written);
    EXPECT_EQ(touched.folios, counted.folios);
  }
}

TEST(TouchedPages, NeighboursOfOneAccessAreOneRun) {
  TouchedPages touched;
  touched.Add(At(1), 2, kRead);
  touched.Add(At(3), 1, kRead);
  touched.Add(At(4), 1, kWrite);
  touched.Add(At(5), 1, kRead);
  touched.Add(At(7), 1, kRead);
  EXPECT_EQ(RunsOf(touched),
            (Runs{{At(1), 3, kRead}, {At(4), 1, kWrite}, {At(5), 1, kRead}, {At(7), 1, kRead}}));
  EXPECT_EQ(touched.read, 5u);
  EXPECT_EQ(touched.written, 1u);
  EXPECT_EQ(touched.folios, 0u);
}

TEST(TouchedPages, EachAccessHasAMaximumOfItsOwn) {
  const struct {
    PageAccess access;
    uint32_t most;
    uint32_t step;  // pages for each of the most
  } cases[] = {{kRead, TouchedPages::kMaxRead, 1},
               {kWrite, TouchedPages::kMaxWritten, 1},
               {kReadFolio, TouchedPages::kMaxFolios, 512}};
  TouchedPages all;
  for (const auto& one : cases) {
    TouchedPages touched;
    touched.Add(kFolio, (one.most + 1) * one.step, one.access);
    EXPECT_EQ(touched.count, 0u);
    touched.Add(kFolio, (one.most - 1) * one.step, one.access);
    EXPECT_EQ(touched.count, 1u);
    EXPECT_EQ(touched.Room(one.access), 1u);
    touched.Add(1000 * kFolio * 10, 2 * one.step, one.access);
    EXPECT_EQ(touched.count, 1u) << "there is room for one";
    touched.Add(1000 * kFolio * 10, one.step, one.access);
    EXPECT_EQ(touched.count, 2u);
    touched.Add(1000 * kFolio * 20, 1, one.access);
    EXPECT_EQ(touched.count, 2u);
    all.Add(kFolio, one.most * one.step, one.access);
  }
  EXPECT_EQ(all.count, 3u) << "none takes another's room";
}

TEST(TouchedPages, PartOfAFolioCostsAFolio) {
  EXPECT_EQ(TouchedPages::Cost(1, kReadFolio), 1u);
  EXPECT_EQ(TouchedPages::Cost(512, kReadFolio), 1u);
  EXPECT_EQ(TouchedPages::Cost(513, kReadFolio), 2u);
  EXPECT_EQ(TouchedPages::Cost(513, kRead), 513u);
}

// Its cost was computed in 32 bits, and was nothing: each blank would have populated 16 TiB.
TEST(TouchedPages, RunOfAllPagesThereAreHasNoRoom) {
  for (const PageAccess access : {kRead, kWrite, kReadFolio}) {
    for (const uint32_t pages : {UINT32_MAX, UINT32_MAX - 510, UINT32_MAX - 511}) {
      TouchedPages touched;
      touched.Add(kFolio, pages, access);
      EXPECT_EQ(touched.count, 0u);
    }
  }
}

TEST(TouchedPages, WhatIsNoRunOfWholePagesOfAProcessIsLeftOut) {
  TouchedPages touched;
  touched.Add(kPage, 0, kRead);
  touched.Add(kPage + 8, 1, kRead);
  touched.Add(uint64_t{1} << 47, 1, kRead);
  touched.Add(UINT64_MAX - kPage + 1, 1, kRead);
  touched.Add(UINT64_MAX, 1, kReadFolio);
  EXPECT_EQ(touched.count, 0u);
}

TEST(TouchedPages, HaveSoManyRunsAndNoMore) {
  TouchedPages touched;
  for (uint32_t i = 0; i < 2 * TouchedPages::kMaxRuns; ++i) touched.Add(At(2 * i), 1, kRead);
  EXPECT_EQ(touched.count, TouchedPages::kMaxRuns);
  EXPECT_EQ(touched.read, TouchedPages::kMaxRuns);
  // The last one may still grow.
  touched.Add(touched.runs[touched.count - 1].start + kPage, 1, kRead);
  EXPECT_EQ(touched.count, TouchedPages::kMaxRuns);
  EXPECT_EQ(touched.read, TouchedPages::kMaxRuns + 1);
}

TEST(AddTouchedPages, OfNothingIsWhatIsThere) {
  ExpectUnion({}, {}, {});
  ExpectUnion({{At(1), 2, kRead}}, {}, {{At(1), 2, kRead}});
  ExpectUnion({{At(1), 2, kRead}}, {{At(1), 2, kRead}}, {{At(1), 2, kRead}});
}

TEST(AddTouchedPages, SortsByAddress) {
  ExpectUnion({{At(1), 1, kRead}, {At(9), 1, kRead}}, {{At(5), 1, kRead}, {At(20), 1, kRead}},
              {{At(1), 1, kRead}, {At(5), 1, kRead}, {At(9), 1, kRead}, {At(20), 1, kRead}});
}

TEST(AddTouchedPages, OverlappingAndNeighbouringRunsBecomeOne) {
  ExpectUnion({{At(1), 4, kRead}}, {{At(3), 4, kRead}}, {{At(1), 6, kRead}});
  ExpectUnion({{At(1), 4, kRead}}, {{At(5), 1, kRead}}, {{At(1), 5, kRead}});
  ExpectUnion({{At(1), 9, kRead}}, {{At(3), 1, kRead}, {At(5), 2, kRead}}, {{At(1), 9, kRead}});
  ExpectUnion({{At(1), 9, kRead}}, {{At(3), 1, kRead}, {At(9), 3, kRead}}, {{At(1), 11, kRead}});
  ExpectUnion({{At(2), 1, kRead}, {At(4), 1, kRead}, {At(6), 1, kRead}}, {{At(1), 7, kRead}},
              {{At(1), 7, kRead}});
  ExpectUnion({{kFolio, 1024, kReadFolio}}, {{2 * kFolio, 1024, kReadFolio}},
              {{kFolio, 1536, kReadFolio}});
}

// A blank needs it for both: the page that one child has only read may be shared.
TEST(AddTouchedPages, PageThatIsReadAndWrittenIsInBoth) {
  ExpectUnion({{At(3), 1, kWrite}, {At(1), 1, kRead}}, {{At(1), 1, kWrite}, {At(3), 1, kRead}},
              {{At(1), 1, kWrite}, {At(3), 1, kWrite}, {At(1), 1, kRead}, {At(3), 1, kRead}});
}

// A later child, or one that lies, does not push out what is known.
TEST(AddTouchedPages, WhatIsThereKeepsItsRoom) {
  TouchedPages touched;
  TouchedPages other;
  constexpr uint32_t kMost = TouchedPages::kMaxRead - 24;
  touched.Add(At(5000), kMost, kRead);
  other.Add(At(1), 500, kRead);
  other.Add(At(1000), 20, kRead);
  other.Add(At(2000), 5, kRead);
  other.Add(At(4990), 5, kRead);
  AddTouchedPages(touched, other);
  EXPECT_EQ(RunsOf(touched), (Runs{{At(1000), 20, kRead}, {At(5000), kMost, kRead}}));
  EXPECT_EQ(touched.read, kMost + 20);
}

TEST(AddTouchedPages, RunsThatAreThereKeepTheirPlaces) {
  TouchedPages touched;
  TouchedPages other;
  for (uint32_t i = 0; i < TouchedPages::kMaxRuns - 2; ++i) touched.Add(At(2000 + 2 * i), 1, kRead);
  const Runs before = RunsOf(touched);
  for (uint32_t i = 0; i < 100; ++i) other.Add(At(2 * i), 1, i < 50 ? kWrite : kRead);
  AddTouchedPages(touched, other);
  Runs expected = {{At(0), 1, kWrite}, {At(2), 1, kWrite}};
  expected.insert(expected.end(), before.begin(), before.end());
  EXPECT_EQ(RunsOf(touched), expected);
}

TEST(AddTouchedPages, RunsThatAreNotSortedAreLeftOutOrIn) {
  TouchedPages touched;
  TouchedPages other;
  touched.Add(At(10), 2, kRead);
  other.Add(At(20), 1, kRead);
  other.Add(At(5), 100, kRead);
  other.Add(At(5), 1, kRead);
  AddTouchedPages(touched, other);
  uint64_t end = 0;
  uint32_t pages = 0;
  for (const PageRun& run : RunsOf(touched)) {
    EXPECT_GE(run.start, end);
    end = run.start + run.pages * kPage;
    pages += run.pages;
  }
  EXPECT_EQ(touched.read, pages);
  EXPECT_EQ(touched.runs[0], (PageRun{At(10), 2, kRead}));
}

// Memory, and which of its pages this process has mapped.
class Memory {
 public:
  explicit Memory(size_t pages, int fd = -1, void* at = nullptr) {
    const int flags =
        MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0) | (at != nullptr ? MAP_FIXED_NOREPLACE : 0);
    void* const memory = mmap(at, pages * kPage, PROT_READ | PROT_WRITE, flags, fd, 0);
    EXPECT_NE(memory, MAP_FAILED);
    start_ = static_cast<char*>(memory);
    size_ = pages * kPage;
    madvise(start_, size_, MADV_NOHUGEPAGE);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { munmap(start_, size_); }

  char* page(size_t index) const { return start_ + index * kPage; }
  uint64_t at(size_t index) const { return reinterpret_cast<uint64_t>(page(index)); }

  // "..X." for each page.
  std::string Present() const {
    const UniqueFd pagemap(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    std::vector<uint64_t> entries(size_ / kPage);
    const ssize_t bytes = pread(pagemap.get(), entries.data(), entries.size() * 8,
                                static_cast<off_t>(reinterpret_cast<uint64_t>(start_) / kPage * 8));
    EXPECT_EQ(bytes, static_cast<ssize_t>(entries.size() * 8));
    std::string text;
    for (const uint64_t entry : entries) text += (entry >> 63) != 0 ? 'X' : '.';
    return text;
  }

 private:
  char* start_;
  size_t size_;
};

std::string PresentOnly(size_t pages, const std::vector<size_t>& present) {
  std::string text(pages, '.');
  for (const size_t page : present) text[page] = 'X';
  return text;
}

TEST(PopulatePages, MapsThosePagesAndNoOthers) {
  const Memory memory(16);
  TouchedPages touched;
  touched.Add(memory.at(1), 2, kWrite);
  touched.Add(memory.at(7), 1, kRead);
  touched.Add(memory.at(12), 1, kWrite);
  PopulatePages(touched, Populated::kAll);
  EXPECT_EQ(memory.Present(), ".XX....X....X...");
}

TEST(PopulatePages, WrittenOnesAreThisProcesssOwnAndReadOnesAreNot) {
  const Memory memory(4);
  const auto anonymous_bytes = [&] {
    std::ifstream smaps("/proc/self/smaps");
    char start[32];
    snprintf(start, sizeof(start), "%lx-", memory.at(0));
    bool inside = false;
    for (std::string line; std::getline(smaps, line);) {
      if (line.starts_with(start)) inside = true;
      if (inside && line.starts_with("Anonymous:")) return atoi(line.c_str() + 10) * 1024;
    }
    return -1;
  };
  TouchedPages touched;
  touched.Add(memory.at(0), 1, kRead);
  PopulatePages(touched, Populated::kAll);
  EXPECT_EQ(anonymous_bytes(), 0);
  touched.Add(memory.at(2), 2, kWrite);
  PopulatePages(touched, Populated::kAll);
  EXPECT_EQ(anonymous_bytes(), 2 * 4096);
}

TEST(PopulatePages, KeepsWhatIsThere) {
  const Memory memory(2);
  memset(memory.page(0), 'x', kPage);
  TouchedPages touched;
  touched.Add(memory.at(0), 2, kWrite);
  PopulatePages(touched, Populated::kAll);
  EXPECT_EQ(std::string(memory.page(0), kPage), std::string(kPage, 'x'));
  EXPECT_EQ(std::string(memory.page(1), kPage), std::string(kPage, '\0'));
}

TEST(PopulatePages, ThoseOfAChildWithItsPlanAreFoliosOnly) {
  const Memory memory(16);
  TouchedPages touched;
  touched.Add(memory.at(1), 1, kWrite);
  touched.Add(memory.at(3), 2, kReadFolio);
  touched.Add(memory.at(8), 1, kRead);
  PopulatePages(touched, Populated::kFolios);
  EXPECT_EQ(memory.Present(), "...XX...........");
  PopulatePages(touched, Populated::kAll);
  EXPECT_EQ(memory.Present(), ".X.XX...X.......");
}

TEST(PopulatePages, MapsAsManyRunsAsThereCanBe) {
  const Memory memory(2 * TouchedPages::kMaxRuns);
  TouchedPages touched;
  std::vector<size_t> expected;
  for (size_t i = 0; i < TouchedPages::kMaxRuns; ++i) {
    touched.Add(memory.at(2 * i), 1, kRead);
    expected.push_back(2 * i);
  }
  PopulatePages(touched, Populated::kAll);
  EXPECT_EQ(memory.Present(), PresentOnly(2 * TouchedPages::kMaxRuns, expected));
}

TEST(PopulatePages, PassesOverWhatIsNotMapped) {
  const Memory memory(16);
  munmap(memory.page(4), 2 * kPage);
  munmap(memory.page(8), kPage);
  for (const PageAccess access : {kRead, kWrite}) {
    TouchedPages touched;
    touched.Add(kPage, 3, access);  // below anything that is mapped
    touched.Add(memory.at(1), 1, access);
    touched.Add(memory.at(4), 2, access);
    touched.Add(memory.at(7), 2, access);  // ends in a hole
    touched.Add(memory.at(11), 1, access);
    touched.Add((uint64_t{1} << 47) - 16 * kPage, 1, access);
    PopulatePages(touched, Populated::kAll);
    EXPECT_EQ(memory.Present(), ".X.....X...X....");
    madvise(memory.page(0), 4 * kPage, MADV_DONTNEED);
    madvise(memory.page(6), 2 * kPage, MADV_DONTNEED);
    madvise(memory.page(9), 7 * kPage, MADV_DONTNEED);
    EXPECT_EQ(memory.Present(), "................");
  }
}

TEST(PopulatePages, PassesOverReadOnlyMemoryThatIsToBeWrittenAndMemoryWithoutAccess) {
  const Memory memory(16);
  mprotect(memory.page(4), kPage, PROT_READ);
  mprotect(memory.page(8), kPage, PROT_NONE);
  TouchedPages touched;
  for (const size_t page : {2, 4, 6, 8, 10}) touched.Add(memory.at(page), 1, kWrite);
  touched.Add(memory.at(8), 1, kRead);
  touched.Add(memory.at(12), 1, kRead);
  PopulatePages(touched, Populated::kAll);
  EXPECT_EQ(memory.Present(), "..X...X...X.X...");
}

TEST(PopulatePages, KernelsOwnMappingsAreHarmless) {
  const Memory memory(2);
  TouchedPages touched;
  std::ifstream maps("/proc/self/maps");
  size_t found = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("[v") == line.npos) continue;  // vvar, vvar_vclock, vdso
    uint64_t start, end;
    ASSERT_EQ(sscanf(line.c_str(), "%lx-%lx", &start, &end), 2);
    ++found;
    const uint32_t pages = static_cast<uint32_t>((end - start) / kPage);
    for (const PageAccess access : {kRead, kWrite, kReadFolio}) touched.Add(start, pages, access);
  }
  EXPECT_GT(found, 0u);
  touched.Add(memory.at(1), 1, kWrite);
  touched.Add(memory.at(0), 1, kRead);
  PopulatePages(touched, Populated::kAll);
  EXPECT_EQ(memory.Present(), "XX");
  timespec now;
  EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
}

// How a run of `touched` has this page, or "not".
std::string HowTouched(const TouchedPages& touched, uint64_t page) {
  std::string how;
  for (const PageRun& run : RunsOf(touched)) {
    if (page < run.start || page >= run.start + run.pages * kPage) continue;
    how += run.access == kWrite ? "written " : run.access == kRead ? "read " : "folio ";
  }
  return how.empty() ? "not" : how.substr(0, how.size() - 1);
}

// Below all else, so that it is recorded before there are too many.
void* const kLowAddress = reinterpret_cast<void*>(0x100000000);

// False where this kernel cannot tell.
bool Records() {
  TouchedPages touched;
  return RecordTouchedPages(Recorded::kAll, touched) == 0;
}
constexpr char kNoPagemapScan[] = "no PAGEMAP_SCAN, which came with Linux 6.7";

VICTIM_TEST(RecordTouchedPages, FindsAnonymousPagesThatTheChildHasWritten) {
  if (!Records()) GTEST_SKIP() << kNoPagemapScan;
  const Memory memory(16, -1, kLowAddress);
  memset(memory.page(0), 'x', 8 * kPage);
  EXPECT_TRUE(ChildPasses([&] {
    *memory.page(2) = 'y';            // a copy of the parent's
    *memory.page(10) = 'y';           // a new one
    EXPECT_EQ(*memory.page(4), 'x');  // the parent's still
    EXPECT_EQ(*memory.page(12), '\0');
    TouchedPages touched;
    ASSERT_EQ(RecordTouchedPages(Recorded::kAll, touched), 0);
    EXPECT_TRUE(touched.is_complete.load());
    EXPECT_EQ(HowTouched(touched, memory.at(2)), "written");
    EXPECT_EQ(HowTouched(touched, memory.at(10)), "written");
    EXPECT_EQ(HowTouched(touched, memory.at(4)), "not");
    EXPECT_EQ(HowTouched(touched, memory.at(6)), "not");
    EXPECT_EQ(HowTouched(touched, memory.at(14)), "not");
    TouchedPages read_only;
    ASSERT_EQ(RecordTouchedPages(Recorded::kRead, read_only), 0);
    EXPECT_EQ(read_only.written, 0u);
    EXPECT_EQ(HowTouched(read_only, memory.at(2)), "not");
  }));
}

// As frozen memory is: a private mapping of a file.
VICTIM_TEST(RecordTouchedPages, FindsPagesOfFilesThatTheChildHasReadOrWritten) {
  if (!Records()) GTEST_SKIP() << kNoPagemapScan;
  const UniqueFd file(memfd_create("file", MFD_CLOEXEC));
  const std::string content(64 * kPage, 'f');
  ASSERT_EQ(write(file.get(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  const Memory memory(64, file.get(), kLowAddress);
  EXPECT_TRUE(ChildPasses([&] {
    // Far apart: the kernel maps those around a page that is read, sixteen in all.
    EXPECT_EQ(*memory.page(3), 'f');
    *memory.page(24) = 'y';
    TouchedPages touched;
    ASSERT_EQ(RecordTouchedPages(Recorded::kAll, touched), 0);
    EXPECT_EQ(HowTouched(touched, memory.at(3)), "read");
    EXPECT_EQ(HowTouched(touched, memory.at(24)), "written");
    EXPECT_EQ(HowTouched(touched, memory.at(40)), "not");
    EXPECT_EQ(HowTouched(touched, memory.at(60)), "not");
    for (uint32_t i = 1; i < touched.count; ++i) {
      EXPECT_GE(touched.runs[i].start, touched.runs[i - 1].start);
    }
    // The sibling that has them ahead.
    EXPECT_TRUE(ChildPasses([&] {
      madvise(memory.page(0), 64 * kPage, MADV_DONTNEED);
      EXPECT_EQ(memory.Present(), std::string(64, '.'));
      PopulatePages(touched, Populated::kAll);
      EXPECT_EQ(memory.Present()[3], 'X');
      EXPECT_EQ(memory.Present()[24], 'X');
      EXPECT_EQ(memory.Present()[60], '.');
    }));
  }));
}

VICTIM_TEST(RecordTouchedPages, FindsFoliosThatTheChildHasRead) {
  if (!Records()) GTEST_SKIP() << kNoPagemapScan;
  const UniqueFd file(memfd_create("folios", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.get(), 4 * kFolio), 0);
  char* const shared = static_cast<char*>(mmap(kLowAddress, 4 * kFolio, PROT_READ | PROT_WRITE,
                                               MAP_SHARED | MAP_FIXED_NOREPLACE, file.get(), 0));
  ASSERT_NE(shared, MAP_FAILED);
  memset(shared, 'f', 4 * kFolio);
  if (madvise(shared, 4 * kFolio, kMadvCollapse) != 0) GTEST_SKIP() << "no folios of 2 MiB";
  munmap(shared, 4 * kFolio);
  char* const memory = static_cast<char*>(mmap(kLowAddress, 4 * kFolio, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_FIXED_NOREPLACE, file.get(), 0));
  ASSERT_EQ(memory, kLowAddress);
  EXPECT_TRUE(ChildPasses([&] {
    EXPECT_EQ(memory[kFolio + 5], 'f');
    TouchedPages touched;
    ASSERT_EQ(RecordTouchedPages(Recorded::kRead, touched), 0);
    const uint64_t start = reinterpret_cast<uint64_t>(memory);
    EXPECT_EQ(HowTouched(touched, start + kFolio), "folio");
    EXPECT_EQ(HowTouched(touched, start + 2 * kFolio - kPage), "folio");
    EXPECT_EQ(HowTouched(touched, start), "not");
    EXPECT_EQ(HowTouched(touched, start + 2 * kFolio), "not");
    EXPECT_EQ(touched.folios, 1u);
  }));
}

// Descriptors are the child's program's business: none is left.
TEST(RecordTouchedPages, LeavesNoDescriptor) {
  const int before = dup(0);
  close(before);
  TouchedPages touched;
  RecordTouchedPages(Recorded::kAll, touched);
  const int after = dup(0);
  close(after);
  EXPECT_EQ(after, before);
}

VICTIM_TEST(RecordTouchedPages, KeepsToTheLimits) {
  if (!Records()) GTEST_SKIP() << kNoPagemapScan;
  const Memory memory(4 * TouchedPages::kMaxWritten, -1, kLowAddress);
  for (size_t i = 0; i < 4 * TouchedPages::kMaxWritten; i += 2) *memory.page(i) = 'x';
  TouchedPages touched;
  ASSERT_EQ(RecordTouchedPages(Recorded::kAll, touched), 0);
  EXPECT_EQ(touched.written, TouchedPages::kMaxWritten);
  EXPECT_LE(touched.read, TouchedPages::kMaxRead);
  EXPECT_LE(touched.count, TouchedPages::kMaxRuns);
}

}  // namespace
}  // namespace forkserver
