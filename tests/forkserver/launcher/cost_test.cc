// What a launcher loads, and what its start adds to the host's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/forkserver/launcher/started_program.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

// What its start may add.
constexpr int64_t kMostNanos = 3 * kNanosPerMilli;
constexpr size_t kPairs = 101;

// By their names without a version.
std::set<std::string> FilesMappedBy(pid_t pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  std::set<std::string> files;
  for (std::string line; std::getline(maps, line);) {
    const size_t slash = line.rfind('/');
    if (slash == line.npos) continue;
    const std::string name = line.substr(slash + 1);
    files.insert(name.substr(0, name.find(".so.")));
  }
  return files;
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
  std::set<std::string> allowed = {"libc", "ld-linux-x86-64", "ld-linux-aarch64"};
  for (const std::string launcher : {kLauncher, kTestedLauncher}) {
    std::set<std::string> files = FilesOfRunningLauncher(launcher);
    EXPECT_EQ(files.erase(launcher.substr(launcher.rfind('/') + 1)), 1u);
    // Every program of such a build has the sanitizer's runtime, which needs others.
    if (files.contains("libubsan")) {
      allowed.insert({"libubsan", "libstdc++", "libm", "libgcc_s"});
    }
    EXPECT_THAT(files, ::testing::IsSubsetOf(allowed));
    EXPECT_EQ(files.count("libc"), 1u);
  }
}

// The two of a pair see the same machine, and the median pair is one that nobody disturbed, as long
// as others do not have the machine most of the time.
TEST(LauncherCost, AddsLessThanThreeMilliseconds) {
  std::vector<int64_t> added;
  for (size_t i = 0; i < kPairs; ++i) {
    const auto direct = [] { return NanosToFirstByte({kHost, "wait"}); };
    const auto launched = [] { return NanosToFirstByte({kLauncher, "--", kHost, "wait"}); };
    // Whoever is second has warmer caches.
    if (i % 2 == 0) {
      const int64_t before = direct();
      added.push_back(launched() - before);
    } else {
      const int64_t with_launcher = launched();
      added.push_back(with_launcher - direct());
    }
  }
  std::nth_element(added.begin(), added.begin() + kPairs / 2, added.end());
  const int64_t median = added[kPairs / 2];
  EXPECT_LT(median, kMostNanos);
  RecordProperty("added_us", static_cast<int>(median / 1000));
}

}  // namespace
}  // namespace forkserver::testing
