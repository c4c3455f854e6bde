#include "child/page_recorder.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <new>

#include "tests/preload/freeze/victim.h"

namespace forkserver {
namespace {

constexpr size_t kPage = 4096;

PageRecord* MapRecord() {
  void* const memory =
      mmap(nullptr, sizeof(PageRecord), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) PageRecord;
}

bool IsMapped(const void* address) {
  unsigned char present;
  return mincore(const_cast<void*>(address), kPage, &present) == 0;
}

bool Records() {
  TouchedPages touched;
  return RecordTouchedPages(Recorded::kAll, touched) == 0;
}
constexpr char kNoPagemapScan[] = "no PAGEMAP_SCAN, which came with Linux 6.7";

// What a child tells in the record, seen by its template.
VICTIM_TEST(PageRecorder, UpToReadyIsOneRecordAndTheOtherIsEmpty) {
  if (!Records()) GTEST_SKIP() << kNoPagemapScan;
  PageRecord* const record = MapRecord();
  ASSERT_NE(record, nullptr);
  EXPECT_TRUE(testing::ChildPasses([&] {
    PageRecorder recorder(record);
    recorder.Ready(RecordedUntil::kReady);
    EXPECT_FALSE(IsMapped(record));
    recorder.FirstWorkDone();  // nothing more
  }));
  EXPECT_TRUE(record->at_ready.is_complete.load());
  EXPECT_GT(record->at_ready.count, 0u);
  EXPECT_TRUE(record->later.is_complete.load());
  EXPECT_EQ(record->later.count, 0u);
}

VICTIM_TEST(PageRecorder, FirstWorkIsRecordedWhenItIsDoneAndOnlyWhatItReads) {
  if (!Records()) GTEST_SKIP() << kNoPagemapScan;
  PageRecord* const record = MapRecord();
  ASSERT_NE(record, nullptr);
  EXPECT_TRUE(testing::ChildPasses([&] {
    PageRecorder recorder(record);
    recorder.Ready(RecordedUntil::kFirstWork);
    EXPECT_TRUE(record->at_ready.is_complete.load());
    EXPECT_FALSE(record->later.is_complete.load());
    recorder.FirstWorkDone();
    EXPECT_FALSE(IsMapped(record));
    recorder.FirstWorkDone();
  }));
  EXPECT_TRUE(record->later.is_complete.load());
  EXPECT_GT(record->later.read, 0u);
  EXPECT_EQ(record->later.written, 0u);
}

VICTIM_TEST(PageRecorder, StartIsRecordedWhenItIsDoneWithWhatItWrote) {
  if (!Records()) GTEST_SKIP() << kNoPagemapScan;
  PageRecord* const record = MapRecord();
  ASSERT_NE(record, nullptr);
  EXPECT_TRUE(testing::ChildPasses([&] {
    PageRecorder recorder(record);
    recorder.Ready(RecordedUntil::kStarted);
    EXPECT_TRUE(record->at_ready.is_complete.load());
    recorder.FirstWorkDone();  // is not what is waited for
    EXPECT_FALSE(record->later.is_complete.load());
    recorder.Started();
    EXPECT_FALSE(IsMapped(record));
    recorder.FirstWorkDone();
  }));
  EXPECT_TRUE(record->later.is_complete.load());
  EXPECT_GT(record->later.written, 0u);
}

// Not a child that is recorded up to Ready, or into its first work: that is not everybody's.
VICTIM_TEST(PageRecorder, RehearsesByItsTemplatesWordUntilItHasStarted) {
  for (const bool told : {false, true}) {
    for (const RecordedUntil until :
         {RecordedUntil::kReady, RecordedUntil::kStarted, RecordedUntil::kFirstWork}) {
      SCOPED_TRACE(static_cast<int>(until));
      PageRecord* const record = MapRecord();
      ASSERT_NE(record, nullptr);
      record->rehearses = told;
      EXPECT_TRUE(testing::ChildPasses([&] {
        PageRecorder recorder(record);
        EXPECT_FALSE(recorder.Rehearses());
        recorder.Ready(until);
        EXPECT_EQ(recorder.Rehearses(), told && until == RecordedUntil::kStarted);
        recorder.Started();
        EXPECT_FALSE(recorder.Rehearses());
      }));
    }
  }
}

TEST(PageRecorder, WithoutARecordDoesNothing) {
  PageRecorder recorder(nullptr);
  recorder.Ready(RecordedUntil::kFirstWork);
  recorder.FirstWorkDone();
  recorder.Ready(RecordedUntil::kStarted);
  EXPECT_FALSE(recorder.Rehearses());
}

}  // namespace
}  // namespace forkserver
