// A folder of reports: bounded, whole files only, and nobody else's files touched.
#include "forkserver/report/report_folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "tests/testing/temporary_folder.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

using ::testing::HasSubstr;

// Nobody removes an immutable file, root neither. False: it cannot be made one here.
bool SetImmutable(int file, bool wanted) {
  int flags = 0;
  if (ioctl(file, FS_IOC_GETFLAGS, &flags) != 0) return false;
  flags = wanted ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  return ioctl(file, FS_IOC_SETFLAGS, &flags) == 0;
}

// The `second`th of an hour, so that the order of names is that of the deaths.
CrashReport Report(int second) {
  CrashReport report;
  report.kind = DeathKind::kKilled;
  report.at = absl::FromUnixSeconds(1'700'000'000 + second);
  report.end.who.pid = 4711;
  return report;
}

std::set<std::string> Names(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

TEST(ReportFolder, CanBeTriedBeforeThereIsAReport) {
  const testing::TemporaryFolder parent;
  const std::string path = parent.path() + "/reports";
  EXPECT_TRUE(ReportFolder({.path = path}).Prepare().ok());
  EXPECT_TRUE(Names(path).empty());
  EXPECT_TRUE(ReportFolder({.path = path}).Prepare().ok());
  EXPECT_EQ(ReportFolder({.path = path + "/no/such"}).Prepare().message(),
            "mkdir " + path + "/no/such: ENOENT");
  std::ofstream(parent.path() + "/file") << "";
  EXPECT_THAT(std::string(ReportFolder({.path = parent.path() + "/file"}).Prepare().message()),
              HasSubstr("ENOTDIR"));
  EXPECT_THAT(std::string(ReportFolder({.path = "/proc"}).Prepare().message()),
              HasSubstr("open /proc/"));
}

TEST(ReportFolder, IsMadeForItsUserAloneAndHasBothFiles) {
  const testing::TemporaryFolder parent;
  ReportFolder folder({.path = parent.path() + "/reports"});
  CrashReport report = Report(0);
  const absl::StatusOr<std::string> written = folder.Write(report);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(*written, parent.path() + "/reports/20231114T221320.000000Z-4711-killed.txt");
  EXPECT_EQ(Names(parent.path() + "/reports"),
            (std::set<std::string>{"20231114T221320.000000Z-4711-killed.json",
                                   "20231114T221320.000000Z-4711-killed.txt"}));
  struct stat status;
  ASSERT_EQ(stat((parent.path() + "/reports").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(stat(written->c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(ReportFolder, KeepsTheNewestOfSoMany) {
  const testing::TemporaryFolder folder;
  ReportFolder reports({.path = folder.path(), .most_reports = 3});
  for (int second = 0; second < 10; ++second) {
    CrashReport report = Report(second);
    ASSERT_TRUE(reports.Write(report).ok());
  }
  EXPECT_EQ(Names(folder.path()).size(), 6u);
  EXPECT_EQ(*Names(folder.path()).begin(), "20231114T221327.000000Z-4711-killed.json");
}

TEST(ReportFolder, KeepsNoMoreBytesThanItMay) {
  const testing::TemporaryFolder folder;
  constexpr uint64_t kMost = 4096;
  ReportFolder reports({.path = folder.path(), .most_reports = 1000, .most_bytes = kMost});
  for (int second = 0; second < 20; ++second) {
    CrashReport report = Report(second);
    ASSERT_TRUE(reports.Write(report).ok());
  }
  uint64_t bytes = 0;
  for (const std::string& name : Names(folder.path())) {
    bytes += std::filesystem::file_size(folder.path() + "/" + name);
  }
  EXPECT_LE(bytes, kMost);
  EXPECT_TRUE(Names(folder.path()).contains("20231114T221339.000000Z-4711-killed.txt"));
}

TEST(ReportFolder, LeavesFilesAloneThatAreNoReports) {
  const testing::TemporaryFolder folder;
  for (const char* name : {"notes.txt", "20231114T221320.000000Z", "a.json"}) {
    std::ofstream(folder.path() + "/" + name) << "mine";
  }
  ReportFolder reports({.path = folder.path(), .most_reports = 0});
  CrashReport report = Report(0);
  ASSERT_TRUE(reports.Write(report).ok());
  EXPECT_EQ(Names(folder.path()),
            (std::set<std::string>{"20231114T221320.000000Z", "a.json", "notes.txt"}));
}

// Of somebody else's making, or of a time that nobody has lived in.
TEST(ReportFolder, IsBoundedWhateverElseLiesInIt) {
  const testing::TemporaryFolder folder;
  const std::string odd = folder.path() + "/20000101T000000.000000Z-1-x.txt";
  std::filesystem::create_directories(odd + "/x");
  std::filesystem::create_symlink("/", folder.path() + "/20000102T000000.000000Z-1-x.json");
  ASSERT_EQ(mkfifo((folder.path() + "/20000103T000000.000000Z-1-x.txt").c_str(), 0600), 0);
  ReportFolder reports({.path = folder.path(), .most_reports = 3});
  for (int second = 0; second < 10; ++second) {
    CrashReport report = Report(second);
    const absl::StatusOr<std::string> written = reports.Write(report);
    ASSERT_TRUE(written.ok()) << written.status();
    EXPECT_TRUE(std::filesystem::exists(*written));
  }
  // Three reports; the folder and the pipe are nobody's reports, and the link was one.
  EXPECT_EQ(Names(folder.path()).size(), 3u * 2 + 2);
  EXPECT_TRUE(std::filesystem::exists(odd + "/x"));
}

// Which takes root, and a file system that knows it.
TEST(ReportFolder, RemovesOthersWhereOneCannotBeRemoved) {
  const testing::TemporaryFolder folder;
  const std::string kept = folder.path() + "/20000101T000000.000000Z-1-x.txt";
  std::ofstream(kept) << "kept";
  const UniqueFd file(open(kept.c_str(), O_RDONLY | O_CLOEXEC));
  if (!SetImmutable(file.get(), true)) GTEST_SKIP() << "files cannot be made immutable here";
  const auto restore = absl::MakeCleanup([&] { EXPECT_TRUE(SetImmutable(file.get(), false)); });
  ReportFolder reports({.path = folder.path(), .most_reports = 3});
  for (int second = 0; second < 10; ++second) {
    CrashReport report = Report(second);
    const absl::StatusOr<std::string> written = reports.Write(report);
    EXPECT_TRUE(written.ok()) << written.status();
  }
  EXPECT_EQ(Names(folder.path()).size(), 1u + 3 * 2);
}

TEST(ReportFolder, IsBoundedWhereNothingCanBeWritten) {
  const testing::TemporaryFolder folder;
  ReportFolder many({.path = folder.path()});
  for (int second = 0; second < 10; ++second) {
    CrashReport report = Report(second);
    ASSERT_TRUE(many.Write(report).ok());
  }
  // In the way of the next one.
  const std::string obstacle = "20231114T221330.000000Z-4711-killed.json.new";
  std::filesystem::create_directories(folder.path() + "/" + obstacle);
  ReportFolder reports({.path = folder.path(), .most_reports = 3});
  CrashReport report = Report(10);
  EXPECT_THAT(std::string(reports.Write(report).status().message()), HasSubstr("EEXIST"));
  EXPECT_EQ(
      Names(folder.path()),
      (std::set<std::string>{
          "20231114T221327.000000Z-4711-killed.json", "20231114T221327.000000Z-4711-killed.txt",
          "20231114T221328.000000Z-4711-killed.json", "20231114T221328.000000Z-4711-killed.txt",
          "20231114T221329.000000Z-4711-killed.json", "20231114T221329.000000Z-4711-killed.txt",
          obstacle}));
}

TEST(ReportFolder, WritesOnceItHasMadeRoom) {
  const testing::TemporaryFolder folder;
  ReportFolder many({.path = folder.path()});
  for (int second = 0; second < 10; ++second) {
    CrashReport report = Report(second);
    ASSERT_TRUE(many.Write(report).ok());
  }
  // Left by a host that was killed; it goes with the first try.
  std::ofstream(folder.path() + "/20231114T221330.000000Z-4711-killed.json.new") << "half";
  ReportFolder reports({.path = folder.path(), .most_reports = 1});
  CrashReport report = Report(10);
  const absl::StatusOr<std::string> written = reports.Write(report);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(Names(folder.path()),
            (std::set<std::string>{"20231114T221330.000000Z-4711-killed.json",
                                   "20231114T221330.000000Z-4711-killed.txt"}));
}

TEST(ReportFolder, FollowsNoLinkThatLiesWhereItWrites) {
  const testing::TemporaryFolder folder;
  const testing::TemporaryFolder elsewhere;
  const std::string target = elsewhere.path() + "/precious";
  ASSERT_EQ(symlink(target.c_str(),
                    (folder.path() + "/20231114T221320.000000Z-4711-killed.json.new").c_str()),
            0);
  ReportFolder reports({.path = folder.path()});
  CrashReport report = Report(0);
  EXPECT_THAT(std::string(reports.Write(report).status().message()), HasSubstr("EEXIST"));
  EXPECT_FALSE(std::filesystem::exists(target));
}

TEST(ReportFolder, ThatCannotBeMadeIsAnErrorWithItsName) {
  ReportFolder reports({.path = "/proc/no/such/folder"});
  CrashReport report = Report(0);
  EXPECT_EQ(reports.Write(report).status().message(), "mkdir /proc/no/such/folder: ENOENT");
}

}  // namespace
}  // namespace forkserver
