// A lost, a repeated and a wrong status are each seen.
#include "tests/soak/ledger.h"

#include <gtest/gtest.h>

namespace forkserver::soak {
namespace {

constexpr PlannedLaunch kPlanned = {.conduct = Conduct::kCrash, .origin = Origin::kPool};

TEST(Ledger, CountsALaunchThatHasNotEndedAsLost) {
  Ledger ledger(2);
  ledger.Began();
  ledger.Began();
  ledger.Ended(1, kPlanned, AsExpected::kYes, "");
  EXPECT_EQ(ledger.lost(), 1u);
  EXPECT_EQ(ledger.repeated() + ledger.unexpected(), 0u);
}

TEST(Ledger, CountsASecondStatusOfTheSameLaunch) {
  Ledger ledger(2);
  ledger.Began();
  ledger.Began();
  ledger.Ended(0, kPlanned, AsExpected::kYes, "");
  ledger.Ended(0, kPlanned, AsExpected::kYes, "killed by SIGSEGV");
  EXPECT_EQ(ledger.repeated(), 1u);
  // It does not stand in for the one that is missing.
  EXPECT_EQ(ledger.lost(), 1u);
  EXPECT_EQ(
      ledger.complaints(),
      std::vector<std::string>{"launch 0 (pooled crash): ended once more: killed by SIGSEGV"});
}

TEST(Ledger, KeepsWhatWasNotToBe) {
  Ledger ledger(1);
  ledger.Began();
  ledger.Ended(0, kPlanned, AsExpected::kNo, "exited with status 3");
  EXPECT_EQ(ledger.unexpected(), 1u);
  EXPECT_EQ(ledger.complaints(),
            std::vector<std::string>{"launch 0 (pooled crash): exited with status 3"});
}

}  // namespace
}  // namespace forkserver::soak
