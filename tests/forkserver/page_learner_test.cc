// What a template learns from its early children, with children that write what they like.
#include "forkserver/server/page_learner.h"

#include <gtest/gtest.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "tests/preload/freeze/victim.h"
#include "tests/testing/gate.h"

namespace forkserver {
namespace {

constexpr uint64_t kPage = 4096;

uint64_t At(uint64_t page) { return page * kPage; }

bool IsMapped(const void* address) {
  unsigned char present;
  return mincore(const_cast<void*>(address), kPage, &present) == 0;
}

size_t CountMappings() {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

void Complete(TouchedPages& touched) { touched.is_complete.store(true, std::memory_order_release); }

// Pages `first` and up, read until Ready; and nothing in its first work.
void Read(PageRecord* record, uint64_t first, uint32_t pages) {
  record->at_ready.Add(At(first), pages, PageAccess::kRead);
  Complete(record->at_ready);
  Complete(record->later);
}

// What the learner knows of pages that are read: "3+2 9+1".
std::string Learned(const PageLearner& learner) {
  const TouchedPages* const pages = learner.pages();
  if (pages == nullptr) return "nothing";
  std::string text;
  for (uint32_t i = 0; i < pages->count; ++i) {
    const PageRun& run = pages->runs[i];
    text += (text.empty() ? "" : " ") + std::to_string(run.start / kPage) + "+" +
            std::to_string(run.pages) + (run.access == PageAccess::kWrite ? "w" : "");
  }
  return text;
}

// A template with room for what it learns, as a template's arena has.
struct Template {
  alignas(TouchedPages) uint8_t room[sizeof(TouchedPages)];
  PageLearner learner{room};
};

struct Child {
  pid_t pid;
  PageRecord* record;
};

// Forks as the fork loop does; the child ends when it has done `work` with its record.
Child Fork(PageLearner& learner, const std::function<void(PageRecord*)>& work) {
  const Child child = {.pid = 0, .record = learner.BeforeFork()};
  const pid_t pid = fork();
  if (pid == 0) {
    work(child.record);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  if (child.record != nullptr) learner.AfterFork();
  return {.pid = pid, .record = child.record};
}

bool EndsWell(const Child& child) {
  int status = -1;
  return waitpid(child.pid, &status, 0) == child.pid && status == 0;
}

PageRecord* ForkAndWait(PageLearner& learner, const std::function<void(PageRecord*)>& work) {
  const Child child = Fork(learner, work);
  EXPECT_TRUE(EndsWell(child));
  return child.record;
}

VICTIM_TEST(PageLearner, KnowsNothingUntilAChildHasTold) {
  Template root;
  EXPECT_EQ(Learned(root.learner), "nothing");
  ASSERT_NE(ForkAndWait(root.learner, [](PageRecord* record) { Read(record, 3, 2); }), nullptr);
  EXPECT_EQ(Learned(root.learner), "nothing");  // nobody has looked yet
  root.learner.BeforeFork();
  EXPECT_EQ(Learned(root.learner), "3+2");
}

VICTIM_TEST(PageLearner, HasTheFirstChildRehearse) {
  Template root;
  for (int i = 0; i < PageLearner::kChildren; ++i) {
    ForkAndWait(root.learner,
                [i](PageRecord* record) { EXPECT_EQ(record->rehearses, i == 0) << i; });
  }
  EXPECT_EQ(root.learner.BeforeFork(), nullptr);
}

VICTIM_TEST(PageLearner, KnowsWhatAnyOfThemHasTouched) {
  Template root;
  ForkAndWait(root.learner, [](PageRecord* record) { Read(record, 3, 2); });
  ForkAndWait(root.learner, [](PageRecord* record) { Read(record, 4, 3); });
  ForkAndWait(root.learner, [](PageRecord* record) {
    record->at_ready.Add(At(20), 1, PageAccess::kWrite);
    Read(record, 1, 1);
  });
  root.learner.BeforeFork();
  EXPECT_EQ(Learned(root.learner), "20+1w 1+1 3+4");
}

VICTIM_TEST(PageLearner, TakesTheFirstWorkOfAChildWhenItComes) {
  Template root;
  testing::Gate* const gate = testing::Gate::Map();
  const Child slow = Fork(root.learner, [gate](PageRecord* record) {
    record->at_ready.Add(At(3), 1, PageAccess::kRead);
    Complete(record->at_ready);
    gate->Pass();
    record->later.Add(At(9), 1, PageAccess::kRead);
    Complete(record->later);
  });
  ASSERT_TRUE(gate->WaitForArrivals(1));
  ForkAndWait(root.learner, [](PageRecord* record) { Read(record, 5, 1); });
  ForkAndWait(root.learner, [](PageRecord*) {});
  EXPECT_EQ(Learned(root.learner), "3+1 5+1");
  EXPECT_TRUE(IsMapped(slow.record));
  gate->Open();
  EXPECT_TRUE(EndsWell(slow));
  root.learner.BeforeFork();
  EXPECT_EQ(Learned(root.learner), "3+1 5+1 9+1");
}

VICTIM_TEST(PageLearner, PassesOverChildrenThatDieBeforeTheyHaveTold) {
  Template root;
  ForkAndWait(root.learner, [](PageRecord*) {});
  ForkAndWait(root.learner, [](PageRecord* record) {
    // Half a record.
    record->at_ready.Add(At(7), 1, PageAccess::kRead);
  });
  ForkAndWait(root.learner, [](PageRecord* record) { Read(record, 3, 1); });
  root.learner.BeforeFork();
  EXPECT_EQ(Learned(root.learner), "3+1");
}

VICTIM_TEST(PageLearner, AsksOnlyTheFirstChildren) {
  Template root;
  for (int i = 0; i < PageLearner::kChildren; ++i) {
    const auto tell = [i](PageRecord* record) {
      Read(record, static_cast<uint64_t>(10 * i + 1), 1);
    };
    EXPECT_NE(ForkAndWait(root.learner, tell), nullptr) << i;
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ForkAndWait(root.learner, [](PageRecord*) {}), nullptr);
    EXPECT_EQ(Learned(root.learner), "1+1 11+1 21+1 31+1 41+1 51+1");
  }
}

// Whoever shares a record with its template may write there what it likes.
VICTIM_TEST(PageLearner, IsNotHarmedByARecordThatLies) {
  Template root;
  ForkAndWait(root.learner, [](PageRecord* record) { Read(record, 100, 2); });
  const uint64_t starts[] = {0,          4096,      5000,           At(101), uint64_t{1} << 46,
                             UINT64_MAX, 1u << 30u, ~uint64_t{4095}};
  const uint32_t lengths[] = {0, 1, 1000, 512 * 4096, UINT32_MAX, UINT32_MAX - 510};
  ForkAndWait(root.learner, [&](PageRecord* record) {
    uint32_t next = 0;
    for (TouchedPages* part : {&record->at_ready, &record->later}) {
      for (PageRun& run : part->runs) {
        run = {.start = starts[next % std::size(starts)],
               .pages = lengths[next / 3 % std::size(lengths)],
               .access = static_cast<PageAccess>(next % 5)};
        ++next;
      }
      part->count = UINT32_MAX;
      part->read = part->written = part->folios = UINT32_MAX;
      Complete(*part);
    }
  });
  ForkAndWait(root.learner, [](PageRecord* record) {
    memset(static_cast<void*>(record), 0xff, sizeof(*record));
  });
  ForkAndWait(root.learner, [](PageRecord* record) { Read(record, 100, 3); });
  root.learner.BeforeFork();
  const TouchedPages* const pages = root.learner.pages();
  ASSERT_NE(pages, nullptr);
  ASSERT_LE(pages->count, TouchedPages::kMaxRuns);
  uint64_t told[3] = {};
  bool keeps_the_truth = false;
  for (uint32_t i = 0; i < pages->count; ++i) {
    const PageRun& run = pages->runs[i];
    ASSERT_LE(run.access, PageAccess::kReadFolio);
    EXPECT_EQ(run.start % kPage, 0u);
    EXPECT_LT(run.start, uint64_t{1} << 47);
    told[static_cast<uint32_t>(run.access)] += run.pages;
    keeps_the_truth |= run.access == PageAccess::kRead && run.start <= At(100) &&
                       run.start + run.pages * kPage >= At(102);
  }
  EXPECT_TRUE(keeps_the_truth) << Learned(root.learner);
  // What a blank then does costs no more than if all were true.
  EXPECT_LE(told[static_cast<uint32_t>(PageAccess::kRead)], TouchedPages::kMaxRead);
  EXPECT_LE(told[static_cast<uint32_t>(PageAccess::kWrite)], TouchedPages::kMaxWritten);
  EXPECT_LE(told[static_cast<uint32_t>(PageAccess::kReadFolio)],
            uint64_t{512} * TouchedPages::kMaxFolios);
  EXPECT_TRUE(testing::ChildPasses([&] { PopulatePages(*pages, Populated::kAll); }));
}

VICTIM_TEST(PageLearner, RecordIsSharedWithNoOtherChild) {
  Template root;
  // The first has not told, so its record is there still.
  PageRecord* const first = ForkAndWait(root.learner, [](PageRecord*) {});
  EXPECT_TRUE(IsMapped(first));
  ForkAndWait(root.learner, [first](PageRecord* record) {
    EXPECT_FALSE(IsMapped(first));
    EXPECT_TRUE(IsMapped(record));
    Read(record, 3, 1);
  });
}

VICTIM_TEST(PageLearner, LeavesNoMappingOfChildrenThatHaveTold) {
  Template root;
  CountMappings();  // with whatever that takes
  const size_t before = CountMappings();
  for (int i = 0; i < PageLearner::kChildren + 1; ++i) {
    ForkAndWait(root.learner, [](PageRecord* record) {
      if (record != nullptr) Read(record, 3, 1);
    });
  }
  EXPECT_EQ(CountMappings(), before);
}

VICTIM_TEST(PageLearner, LeavesNoMappingAtItsEnd) {
  CountMappings();
  const size_t before = CountMappings();
  {
    Template root;
    for (int i = 0; i < 3; ++i) ForkAndWait(root.learner, [](PageRecord*) {});
    EXPECT_GT(CountMappings(), before);
  }
  EXPECT_EQ(CountMappings(), before);
}

}  // namespace
}  // namespace forkserver
