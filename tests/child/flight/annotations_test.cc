// A process's annotations, as its host reads them.
#include "child/flight/annotations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "child/flight/flight_record.h"
#include "forkserver/report/crash_record.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class AnnotationsTest : public ::testing::Test {
 protected:
  AnnotationTable& table() { return record_->annotations; }

  CrashRecord Read() {
    const UniqueFd file(memfd_create("flight-record", MFD_CLOEXEC));
    EXPECT_EQ(pwrite(file.get(), record_.get(), sizeof(FlightRecord), 0),
              static_cast<ssize_t>(sizeof(FlightRecord)));
    absl::StatusOr<CrashRecord> read = ReadCrashRecord(file.get());
    EXPECT_TRUE(read.ok()) << read.status();
    return read.ok() ? *std::move(read) : CrashRecord();
  }

 private:
  const std::unique_ptr<FlightRecord> record_ = [] {
    auto record = std::make_unique<FlightRecord>();
    record->magic = FlightRecord::kMagic;
    return record;
  }();
};

TEST_F(AnnotationsTest, LastValueOfAKeyCountsAndAClearedKeyIsGone) {
  table().Set("url", "https://a.test/");
  table().Set("documents", "3");
  table().Set("url", "https://b.test/");
  table().Clear("documents");
  EXPECT_THAT(Read().annotations, ElementsAre(Pair("url", "https://b.test/")));
}

TEST_F(AnnotationsTest, PlaceOfAClearedKeyIsAnothersSoThatManyKeysFitInALife) {
  table().Set("url", "https://a.test/");
  for (int i = 0; i < 1000; ++i) {
    const std::string key = absl::StrCat("document ", i);
    table().Set(key, "open");
    if (i < 999) table().Clear(key);
  }
  const CrashRecord record = Read();
  EXPECT_THAT(record.annotations,
              ElementsAre(Pair("document 999", "open"), Pair("url", "https://a.test/")));
  EXPECT_EQ(record.annotations_lost, 0u);
}

TEST_F(AnnotationsTest, KeyThatIsBehindAClearedOneIsFoundAndNotMadeTwice) {
  table().Set("first", "1");
  table().Set("second", "2");
  table().Clear("first");
  table().Set("second", "3");
  EXPECT_THAT(Read().annotations, ElementsAre(Pair("second", "3")));
  table().Clear("second");
  EXPECT_THAT(Read().annotations, IsEmpty());
}

TEST_F(AnnotationsTest, KeyIsCutAtItsNulAndFoundAgain) {
  const std::string_view key("url\0of the page", 15);
  for (int i = 0; i < 100; ++i) table().Set(key, absl::StrCat(i));
  EXPECT_THAT(Read().annotations, ElementsAre(Pair("url", "99")));
  EXPECT_EQ(Read().annotations_lost, 0u);
  table().Clear(key);
  EXPECT_THAT(Read().annotations, IsEmpty());
}

TEST_F(AnnotationsTest, LongKeyIsCutAndFoundAgain) {
  const std::string key(100, 'k');
  table().Set(key, "1");
  table().Set(key, "2");
  EXPECT_THAT(Read().annotations, ElementsAre(Pair(key.substr(0, 39), "2")));
  table().Clear(key);
  EXPECT_THAT(Read().annotations, IsEmpty());
}

TEST_F(AnnotationsTest, KeyWithoutRoomIsCounted) {
  for (size_t i = 0; i < AnnotationTable::kEntries + 3; ++i) table().Set(absl::StrCat(i), "x");
  const CrashRecord record = Read();
  EXPECT_THAT(record.annotations, SizeIs(AnnotationTable::kEntries));
  EXPECT_EQ(record.annotations_lost, 3u);
}

// The process was killed while it set a key again.
TEST_F(AnnotationsTest, KeyWhoseValueWasBeingChangedIsThereStill) {
  table().Set("url", "https://a.test/");
  table().entries[0].word = Annotation::WithState(table().entries[0].word, Annotation::kChanging);
  EXPECT_THAT(Read().annotations, ElementsAre(Pair("url", "https://a.test/")));
}

// So who has looked at the first, and was interrupted, does not take the second for it.
TEST_F(AnnotationsTest, PlaceOfAnotherKeyIsInAnotherStateThanBefore) {
  table().Set("first", "1");
  const uint32_t of_first = table().entries[0].word;
  table().Set("first", "2");
  EXPECT_EQ(table().entries[0].word, of_first);
  table().Clear("first");
  table().Set("second", "2");
  EXPECT_STREQ(table().entries[0].key, "second");
  EXPECT_EQ(Annotation::StateOf(table().entries[0].word), Annotation::kSet);
  EXPECT_NE(table().entries[0].word, of_first);
}

}  // namespace
}  // namespace forkserver
