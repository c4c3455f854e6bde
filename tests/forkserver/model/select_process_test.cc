#include "forkserver/model/select_process.h"

#include <gtest/gtest.h>

#include <ostream>
#include <vector>

#include "forkserver/model/remote_type.h"

namespace forkserver {

void PrintTo(const ProcessChoice& choice, std::ostream* out) {
  *out << "action " << static_cast<int>(choice.action) << " index " << choice.index;
}

namespace {

constexpr ProcessChoice kLaunch = {.action = ProcessAction::kLaunch};
constexpr ProcessChoice Reuse(size_t index) {
  return {.action = ProcessAction::kReuse, .index = index};
}

RemoteType Web(uint32_t container = 0) {
  return {.kind = RemoteTypeKind::kWeb, .attributes = {.user_context_id = container}};
}
RemoteType Isolated(const char* site) {
  return {.kind = RemoteTypeKind::kWebIsolated, .site = site};
}

TEST(SelectProcess, WithoutAnyItLaunchesOne) {
  EXPECT_EQ(SelectProcess({.type = Web(), .limit = 8}, {}), kLaunch);
}

TEST(SelectProcess, BelowTheLimitABusyOneIsNotShared) {
  const std::vector<LiveProcess> live = {{.type = Web(), .browsers = 1}};
  EXPECT_EQ(SelectProcess({.type = Web(), .limit = 2}, live), kLaunch);
}

TEST(SelectProcess, AnIdleOneIsReusedBelowTheLimit) {
  const std::vector<LiveProcess> live = {{.type = Web(), .browsers = 1},
                                         {.type = Web(), .browsers = 0}};
  EXPECT_EQ(SelectProcess({.type = Web(), .limit = 8}, live), Reuse(1));
}

TEST(SelectProcess, AtTheLimitTheLeastLoadedIsReusedAndOfEqualsTheFirst) {
  const std::vector<LiveProcess> live = {{.type = Web(), .browsers = 5},
                                         {.type = Web(), .browsers = 2},
                                         {.type = Web(), .browsers = 2}};
  EXPECT_EQ(SelectProcess({.type = Web(), .limit = 3}, live), Reuse(1));
}

// The pref was lowered while they ran.
TEST(SelectProcess, AboveTheLimitItReusesToo) {
  const std::vector<LiveProcess> live = {{.type = Web(), .browsers = 5},
                                         {.type = Web(), .browsers = 4}};
  EXPECT_EQ(SelectProcess({.type = Web(), .limit = 1}, live), Reuse(1));
}

TEST(SelectProcess, OtherTypesNeitherServeNorCount) {
  const std::vector<LiveProcess> live = {{.type = Isolated("https://a.com"), .browsers = 0},
                                         {.type = Isolated("http://b.com"), .browsers = 0},
                                         {.type = Web(), .browsers = 0},
                                         {.type = RemoteType(), .browsers = 0}};
  EXPECT_EQ(SelectProcess({.type = Isolated("https://b.com"), .limit = 1}, live), kLaunch);
}

TEST(SelectProcess, OtherAttributesAreAnotherType) {
  const std::vector<LiveProcess> live = {{.type = Web(1), .browsers = 0}};
  EXPECT_EQ(SelectProcess({.type = Web(), .limit = 1}, live), kLaunch);
  EXPECT_EQ(SelectProcess({.type = Web(2), .limit = 1}, live), kLaunch);
  EXPECT_EQ(SelectProcess({.type = Web(1), .limit = 1}, live), Reuse(0));
}

TEST(SelectProcess, TheGroupsOwnProcessComesBeforeAnIdleOne) {
  const std::vector<LiveProcess> live = {{.type = Web(), .browsers = 0},
                                         {.type = Web(), .browsers = 9}};
  EXPECT_EQ(SelectProcess({.type = Web(), .limit = 8, .of_group = 1}, live), Reuse(1));
}

TEST(SelectProcess, AGroupsProcessOfAnotherTypeIsNotTaken) {
  const std::vector<LiveProcess> live = {{.type = Isolated("https://a.com"), .browsers = 1}};
  EXPECT_EQ(SelectProcess({.type = Isolated("https://b.com"), .limit = 1, .of_group = 0}, live),
            kLaunch);
  EXPECT_EQ(SelectProcess({.type = Isolated("https://a.com"), .limit = 2, .of_group = 7}, live),
            kLaunch);
}

}  // namespace
}  // namespace forkserver
