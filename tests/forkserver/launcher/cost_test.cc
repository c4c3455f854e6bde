// What a launcher loads, and what its start adds to the host's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "tests/forkserver/launcher/started_program.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

// Of the 3 ms that it may cost.
constexpr int64_t kMostNanos = 3 * kNanosPerMilli;
constexpr int kLeastRounds = 40;
constexpr int kMostRounds = 1000;

std::set<std::string> FilesMappedBy(pid_t pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  std::set<std::string> files;
  for (std::string line; std::getline(maps, line);) {
    const size_t slash = line.rfind('/');
    if (slash != line.npos) files.insert(line.substr(slash + 1));
  }
  return files;
}

// Under a sanitizer every program has its runtime, which is slow to start, and libstdc++ for that.
bool IsSanitized(const std::set<std::string>& files) {
  return std::any_of(files.begin(), files.end(), [](const std::string& name) {
    return name.starts_with("libasan") || name.starts_with("libubsan") ||
           name.starts_with("libtsan");
  });
}

std::set<std::string> FilesOfRunningLauncher(const std::string& launcher) {
  StartedProgram program({.argv = launcher == kLauncher
                                      ? std::vector<std::string>{launcher, "--", kHost, "wait"}
                                      : std::vector<std::string>{launcher, "wait"}});
  program.AwaitReady();
  return FilesMappedBy(program.pid());
}

int64_t NanosToFirstByte(std::vector<std::string> argv) {
  const int64_t start = NowNanos();
  StartedProgram program({.argv = std::move(argv)});
  program.AwaitReady();
  return NowNanos() - start;
}

TEST(LauncherCost, LoadsLibcAndNothingElse) {
  const std::string loader = "ld-linux-x86-64.so.2";
  for (const std::string launcher : {kLauncher, kTestedLauncher}) {
    std::set<std::string> files = FilesOfRunningLauncher(launcher);
    EXPECT_EQ(files.erase(launcher.substr(launcher.rfind('/') + 1)), 1u);
    if (IsSanitized(files)) continue;
    EXPECT_THAT(files, ::testing::IsSubsetOf({std::string("libc.so.6"), loader,
                                              std::string("ld-linux-aarch64.so.1")}));
    EXPECT_EQ(files.count("libc.so.6"), 1u);
  }
}

// Of each the fastest: what else runs on the machine is not the launcher's. A machine that is so
// busy that none of them was let alone has more rounds; both can only come closer to what they
// take.
TEST(LauncherCost, AddsLessThanThreeMilliseconds) {
  if (IsSanitized(FilesOfRunningLauncher(kLauncher))) return;
  int64_t direct = kNever;
  int64_t launched = kNever;
  for (int i = 0; i < kLeastRounds || (i < kMostRounds && launched - direct >= kMostNanos); ++i) {
    direct = std::min(direct, NanosToFirstByte({kHost, "wait"}));
    launched = std::min(launched, NanosToFirstByte({kLauncher, "--", kHost, "wait"}));
  }
  EXPECT_LT(launched - direct, kMostNanos);
  RecordProperty("added_us", static_cast<int>((launched - direct) / 1000));
}

}  // namespace
}  // namespace forkserver::testing
