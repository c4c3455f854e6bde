// The environment of a host: what is inherited, and what is changed of it.
#include "forkserver/launcher/host_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forkserver {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Entries(const HostEnvironment& environment) {
  std::vector<std::string> entries;
  for (char** entry = environment.pointers(); *entry != nullptr; ++entry) entries.push_back(*entry);
  return entries;
}

class HostEnvironmentTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(environment_.Begin(inherited_, 3)); }

  std::string a_ = "A=1";
  std::string longer_ = "AB=2";
  std::string again_ = "A=3";
  std::string odd_ = "no-value";
  char* inherited_[5] = {a_.data(), longer_.data(), again_.data(), odd_.data(), nullptr};
  HostEnvironment environment_;
};

TEST_F(HostEnvironmentTest, IsTheInheritedOne) {
  EXPECT_THAT(Entries(environment_), ElementsAre("A=1", "AB=2", "A=3", "no-value"));
}

TEST_F(HostEnvironmentTest, AVariableThatIsSetIsThereOnce) {
  EXPECT_TRUE(environment_.Set("A", "x=y"));
  EXPECT_THAT(Entries(environment_), ElementsAre("AB=2", "no-value", "A=x=y"));
  EXPECT_TRUE(environment_.Set("A", ""));
  EXPECT_TRUE(environment_.Set("NEW", "1"));
  EXPECT_THAT(Entries(environment_), ElementsAre("AB=2", "no-value", "A=", "NEW=1"));
}

TEST_F(HostEnvironmentTest, RemovingTakesAllOfThatNameAndNoOther) {
  EXPECT_TRUE(environment_.Change({.name = "A"}));
  environment_.Remove("no-value");
  environment_.Remove("nothing");
  EXPECT_THAT(Entries(environment_), ElementsAre("AB=2", "no-value"));
}

}  // namespace
}  // namespace forkserver
