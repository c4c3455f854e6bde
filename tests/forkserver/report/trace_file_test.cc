// The file of a trace, and what is written into it.
#include "forkserver/report/trace_file.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "forkserver/report/lanes.h"
#include "forkserver/report/trace_events.h"
#include "tests/forkserver/report/read_trace.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver {
namespace {

using testing::CheckTrace;
using testing::ReadText;
using testing::Trace;

constexpr TraceRow kRow = {.pid = 7, .tid = 7};

TraceEvents Named(std::string_view name) {
  TraceEvents events;
  events.NameProcess(7, name, 0);
  events.Complete(kRow, name, 1'000, 3'500);
  return events;
}

class TraceFiles : public ::testing::Test {
 protected:
  static void Append(TraceFile& file, const TraceEvents& events) {
    file.Append(events.text(), events.count());
  }

  const testing::TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/trace.json";
};

TEST_F(TraceFiles, HasWhatWasToldBeforeAndAfterItWasOpenedAndIsAnArray) {
  TraceFile file;
  Append(file, Named("before"));
  EXPECT_FALSE(std::filesystem::exists(path_));
  ASSERT_TRUE(file.Open(path_).ok());
  Append(file, Named("after"));
  // What is there at any time can be read.
  EXPECT_EQ(CheckTrace(ReadText(path_)).slices.size(), 2u);
  EXPECT_FALSE(ReadText(path_).ends_with("]\n"));
  ASSERT_TRUE(file.Close().ok());
  EXPECT_TRUE(nlohmann::json::parse(ReadText(path_)).is_array());
  Append(file, Named("late"));
  EXPECT_TRUE(file.Close().ok());
  const Trace trace = CheckTrace(ReadText(path_));
  ASSERT_EQ(trace.slices.size(), 2u);
  EXPECT_EQ(trace.slices[0].name, "before");
  EXPECT_EQ(trace.slices[0].begin, 1);
  EXPECT_EQ(trace.slices[0].end, 3.5);
}

TEST_F(TraceFiles, WithoutEventsIsAnEmptyArray) {
  TraceFile file;
  ASSERT_TRUE(file.Open(path_).ok());
  ASSERT_TRUE(file.Close().ok());
  EXPECT_EQ(nlohmann::json::parse(ReadText(path_)), nlohmann::json::array());
}

TEST_F(TraceFiles, CutAnywhereHasAllWholeLines) {
  TraceFile file;
  ASSERT_TRUE(file.Open(path_).ok());
  for (const char* name : {"one", "two", "three"}) Append(file, Named(name));
  const std::string text = ReadText(path_);
  const size_t third = text.rfind("\n");
  for (size_t size = third; size < text.size(); ++size) {
    EXPECT_EQ(CheckTrace(text.substr(0, size)).slices.size(), 2u) << size;
  }
}

TEST_F(TraceFiles, EmptiesOneThatWasThere) {
  std::ofstream(path_) << std::string(5000, 'x');
  TraceFile file;
  ASSERT_TRUE(file.Open(path_).ok());
  ASSERT_TRUE(file.Close().ok());
  EXPECT_EQ(ReadText(path_), "[\n]\n");
}

TEST_F(TraceFiles, TakesNamesOfAnyBytes) {
  const std::string name = std::string("quote \" slash \\ line\n bell \a null ") + '\0' +
                           " not UTF-8 \xff\xc3( and \xe2\x82\xac";
  TraceFile file;
  ASSERT_TRUE(file.Open(path_).ok());
  Append(file, Named(name));
  ASSERT_TRUE(file.Close().ok());
  const Trace trace = CheckTrace(ReadText(path_));
  ASSERT_EQ(trace.slices.size(), 1u);
  EXPECT_EQ(trace.slices[0].name, std::string("quote \" slash \\ line\n bell \a null ") + '\0' +
                                      " not UTF-8 \xef\xbf\xbd\xef\xbf\xbd( and \xe2\x82\xac");
}

TEST_F(TraceFiles, KeepsSoMuchAndNoMoreUntilItIsOpenedAndSaysWhatIsLost) {
  TraceFile file;
  const TraceEvents one = Named(std::string(1000, 'x'));
  for (int i = 0; i < 1000; ++i) Append(file, one);
  ASSERT_TRUE(file.Open(path_).ok());
  const size_t kept = CheckTrace(ReadText(path_)).slices.size();
  EXPECT_LE(ReadText(path_).size(), TraceFile::kMostKept);
  EXPECT_GT(kept, 50u);
  const absl::Status closed = file.Close();
  EXPECT_EQ(closed.message(), absl::StrCat(path_, ": ", (1000 - kept) * one.count(),
                                           " events of the trace are lost"));
}

TEST_F(TraceFiles, OnAFullDiskSaysSoOnce) {
  TraceFile file;
  ASSERT_TRUE(file.Open("/dev/full").ok());
  Append(file, Named("one"));
  Append(file, Named("two"));
  EXPECT_EQ(file.Close().message(), "write /dev/full: ENOSPC: 6 events of the trace are lost");
}

TEST_F(TraceFiles, AtTheLimitOfFileSizesEndsAndTheProgramDoesNot) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {.rlim_cur = 400, .rlim_max = before.rlim_max};
  TraceFile file;
  ASSERT_TRUE(file.Open(path_).ok());
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  for (int i = 0; i < 10; ++i) Append(file, Named("event"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  const absl::Status closed = file.Close();
  EXPECT_TRUE(absl::StrContains(closed.message(), "EFBIG")) << closed;
  EXPECT_FALSE(CheckTrace(ReadText(path_)).slices.empty());
}

TEST_F(TraceFiles, IsOneTracesAtATime) {
  TraceFile first;
  ASSERT_TRUE(first.Open(path_).ok());
  first.Append("{}", 1);
  TraceFile second;
  EXPECT_EQ(second.Open(path_).message(), "flock " + path_ + ": EAGAIN");
  EXPECT_TRUE(first.Close().ok());
  EXPECT_EQ(ReadText(path_), "[\n{}\n]\n");
  EXPECT_TRUE(second.Open(path_).ok());
}

TEST_F(TraceFiles, IsNoFolderPipeOrNothing) {
  TraceFile file;
  EXPECT_EQ(file.Open(folder_.path() + "/no/trace.json").message(),
            "open " + folder_.path() + "/no/trace.json" + ": ENOENT");
  EXPECT_TRUE(absl::StrContains(file.Open(folder_.path()).message(), "EISDIR"));
  const std::string pipe = folder_.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(file.Open(pipe).message(), "open " + pipe + ": ENXIO");
  // What failed can be tried with another name.
  EXPECT_TRUE(file.Open(path_).ok());
  EXPECT_FALSE(file.Open(path_).ok());
}

TEST(Lanes, AreTakenFromTheLowestAndGivenBack) {
  Lanes lanes;
  EXPECT_EQ(lanes.Take(), 0u);
  EXPECT_EQ(lanes.Take(), 1u);
  EXPECT_EQ(lanes.Take(), 2u);
  lanes.GiveBack(1);
  EXPECT_EQ(lanes.Take(), 1u);
  EXPECT_EQ(lanes.Take(), 3u);
  EXPECT_EQ(lanes.count(), 4u);
}

}  // namespace
}  // namespace forkserver
