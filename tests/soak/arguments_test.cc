#include "tests/soak/arguments.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace forkserver::soak {
namespace {

absl::StatusOr<Arguments> Parse(std::vector<std::string> words) {
  std::vector<char*> argv = {const_cast<char*>("soak")};
  for (std::string& word : words) argv.push_back(word.data());
  return ParseArguments(static_cast<int>(argv.size()), argv.data());
}

std::string Complaint(std::vector<std::string> words) {
  return std::string(Parse(std::move(words)).status().message());
}

TEST(SoakArguments, AreAMillionLaunchesWhereNothingIsSaid) {
  EXPECT_EQ(Parse({})->launches, 1'000'000u);
}

TEST(SoakArguments, MayBeJoinedToTheirFlagOrFollowIt) {
  EXPECT_EQ(Parse({"--launches", "20000", "--seed=7"})->launches, 20'000u);
  EXPECT_EQ(Parse({"--launches=20000", "--seed", "7"})->seed, 7u);
}

TEST(SoakArguments, OutOfBoundsAreErrorsThatSayWhatIsWanted) {
  EXPECT_EQ(Complaint({"--launches", "0"}),
            "--launches wants a number from 1 to 100000000, not '0'");
  EXPECT_EQ(Complaint({"--launches", "-1"}),
            "--launches wants a number from 1 to 100000000, not '-1'");
  EXPECT_EQ(Complaint({"--launches"}), "--launches wants a number from 1 to 100000000, not ''");
  EXPECT_EQ(Complaint({"--launches", "100000001"}),
            "--launches wants a number from 1 to 100000000, not '100000001'");
  EXPECT_EQ(Complaint({"--seed", "x"}), "--seed wants a number, not 'x'");
  EXPECT_EQ(Complaint({"--lanches", "5"}), "unknown argument '--lanches' (--help lists them)");
}

}  // namespace
}  // namespace forkserver::soak
