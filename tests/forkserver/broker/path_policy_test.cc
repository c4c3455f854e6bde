#include "forkserver/host/broker/path_policy.h"

#include <limits.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace forkserver {
namespace {

PathPolicy Policy(const std::vector<FileRule>& rules) {
  absl::StatusOr<PathPolicy> policy = PathPolicy::Create(rules);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *std::move(policy) : PathPolicy();
}

std::string Complaint(const FileRule& rule) {
  return std::string(PathPolicy::Create(std::vector<FileRule>{rule}).status().message());
}

TEST(PathPolicy, WithoutRulesNothingIsAllowed) {
  const PathPolicy policy = Policy({});
  EXPECT_EQ(policy.Find("/"), uint32_t{kMayNothing});
  EXPECT_EQ(policy.Find("/etc/passwd"), uint32_t{kMayNothing});
}

TEST(PathPolicy, AnExactRuleIsForThatPathOnly) {
  const PathPolicy policy = Policy({{"/etc/hosts", FileReach::kExactly, kMayRead}});
  EXPECT_TRUE(policy.Allows("/etc/hosts", kMayRead));
  EXPECT_FALSE(policy.Allows("/etc", kMayStat));
  EXPECT_FALSE(policy.Allows("/etc/hosts/x", kMayStat));
  EXPECT_FALSE(policy.Allows("/etc/hosts2", kMayStat));
  EXPECT_FALSE(policy.Allows("/etc/host", kMayStat));
}

TEST(PathPolicy, ARuleForAllBeneathIsAlsoForTheFolderItself) {
  const PathPolicy policy = Policy({{"/usr/share", FileReach::kBeneath, kMayRead}});
  EXPECT_TRUE(policy.Allows("/usr/share", kMayRead));
  EXPECT_TRUE(policy.Allows("/usr/share/a/b/c", kMayRead));
  EXPECT_FALSE(policy.Allows("/usr/shared", kMayStat));
  EXPECT_FALSE(policy.Allows("/usr", kMayStat));
}

TEST(PathPolicy, LongestRuleDecides) {
  const PathPolicy policy = Policy({{"/a", FileReach::kBeneath, kMayRead},
                                    {"/a/b", FileReach::kBeneath, kMayNothing},
                                    {"/a/b/c", FileReach::kBeneath, kMayWrite}});
  EXPECT_EQ(policy.Find("/a/x"), kMayRead | kMayStat);
  EXPECT_EQ(policy.Find("/a/b/x"), uint32_t{kMayNothing});
  EXPECT_EQ(policy.Find("/a/b/c/x"), uint32_t{kMayWrite});
}

TEST(PathPolicy, AnExactRuleGoesBeforeOneForAllBeneath) {
  const PathPolicy policy = Policy({{"/a", FileReach::kBeneath, kMayRead},
                                    {"/a", FileReach::kExactly, kMayStat},
                                    {"/a/secret", FileReach::kExactly, kMayNothing}});
  EXPECT_EQ(policy.Find("/a"), uint32_t{kMayStat});
  EXPECT_EQ(policy.Find("/a/secret"), uint32_t{kMayNothing});
  EXPECT_EQ(policy.Find("/a/secret/below"), kMayRead | kMayStat);
}

TEST(PathPolicy, TheRootCanBeNamed) {
  const PathPolicy policy = Policy({{"/", FileReach::kBeneath, kMayStat}});
  EXPECT_TRUE(policy.Allows("/", kMayStat));
  EXPECT_TRUE(policy.Allows("/any/thing", kMayStat));
}

TEST(PathPolicy, ReadingBringsStat) {
  EXPECT_EQ(Policy({{"/a", FileReach::kExactly, kMayRead}}).Find("/a"), kMayRead | kMayStat);
  EXPECT_EQ(Policy({{"/a", FileReach::kExactly, kMayWrite}}).Find("/a"), uint32_t{kMayWrite});
}

TEST(PathPolicy, APathThatIsNotNormalHasNoRights) {
  const PathPolicy policy = Policy({{"/", FileReach::kBeneath, kMayRead}});
  for (const char* path : {"", "a", "/a/../b", "/a/./b", "/a//b", "/..", "/a/b/c/.."}) {
    EXPECT_EQ(policy.Find(path), uint32_t{kMayNothing}) << path;
  }
}

TEST(PathPolicy, RulesBelowAreSeen) {
  const PathPolicy policy = Policy({{"/a/b/c", FileReach::kExactly, kMayRead}});
  EXPECT_TRUE(policy.HasRulesBelow("/a"));
  EXPECT_TRUE(policy.HasRulesBelow("/a/b"));
  EXPECT_FALSE(policy.HasRulesBelow("/a/b/c"));
  EXPECT_FALSE(policy.HasRulesBelow("/x"));
}

TEST(PathPolicy, ABadRuleIsNamed) {
  EXPECT_EQ(Complaint({.path = "etc"}), "file rule \"etc\": not an absolute path");
  EXPECT_EQ(Complaint({.path = ""}), "file rule \"\": not an absolute path");
  EXPECT_EQ(Complaint({.path = "/a/"}), "file rule \"/a/\": a slash at the end of the path");
  EXPECT_EQ(Complaint({.path = "/a//b"}), "file rule \"/a//b\": an empty component in the path");
  EXPECT_EQ(Complaint({.path = "/a/../b"}), "file rule \"/a/../b\": a . or .. in the path");
  EXPECT_EQ(Complaint({.path = "/a/."}), "file rule \"/a/.\": a . or .. in the path");
  EXPECT_EQ(Complaint({.path = std::string("/a\0b", 4)}),
            "file rule \"/a\\000b\": a NUL in the path");
  EXPECT_EQ(Complaint({.path = "/a", .rights = 1u << 20}),
            "file rule \"/a\": rights that there are not");
  EXPECT_NE(Complaint({.path = "/" + std::string(PATH_MAX, 'x')}), "");
}

TEST(PathPolicy, TwoRulesForTheSameMustAgree) {
  EXPECT_FALSE(PathPolicy::Create(std::vector<FileRule>{{"/a", FileReach::kExactly, kMayRead},
                                                        {"/a", FileReach::kExactly, kMayWrite}})
                   .ok());
  EXPECT_TRUE(PathPolicy::Create(std::vector<FileRule>{{"/a", FileReach::kExactly, kMayRead},
                                                       {"/a", FileReach::kExactly, kMayRead}})
                  .ok());
}

}  // namespace
}  // namespace forkserver
