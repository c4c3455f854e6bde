#include "forkserver/host/broker/asked_path.h"

#include "gtest/gtest.h"

namespace forkserver {
namespace {

TEST(AskedPath, DropsWhatMeansNothing) {
  const AskedPath path("/", "//usr///share/./fonts");
  EXPECT_EQ(path.full(), "/usr/share/fonts");
  EXPECT_EQ(path.normal(), "/usr/share/fonts");
  EXPECT_FALSE(path.has_dot_dot());
  EXPECT_FALSE(path.wants_directory());
}

TEST(AskedPath, ARelativePathGoesBehindItsBase) {
  EXPECT_EQ(AskedPath("/", "etc").full(), "/etc");
  EXPECT_EQ(AskedPath("/usr/share", "fonts/a").full(), "/usr/share/fonts/a");
  EXPECT_EQ(AskedPath("/usr/share", "/etc").full(), "/etc");
}

TEST(AskedPath, ASlashAtTheEndStaysForTheKernelOnly) {
  for (const char* text : {"/a/", "/a//", "/a/.", "/a/./"}) {
    const AskedPath path("/", text);
    EXPECT_EQ(path.full(), "/a/") << text;
    EXPECT_EQ(path.normal(), "/a") << text;
    EXPECT_TRUE(path.wants_directory()) << text;
  }
}

TEST(AskedPath, DotDotIsTakenOutOfTheNameForThePolicyOnly) {
  const AskedPath path("/", "/a/../b");
  EXPECT_EQ(path.full(), "/a/../b");
  EXPECT_EQ(path.normal(), "/b");
  EXPECT_TRUE(path.has_dot_dot());
  EXPECT_EQ(AskedPath("/", "/../../etc").normal(), "/etc");
  EXPECT_EQ(AskedPath("/a", "..").normal(), "/");
  EXPECT_EQ(AskedPath("/a", "../..").normal(), "/");
  // These are names like any other.
  EXPECT_FALSE(AskedPath("/", "/a../..b/...").has_dot_dot());
}

TEST(AskedPath, TheRootHasNoLeaf) {
  for (const char* text : {"/", "//", ".", "..", "/a/..", "/a/.", "/a/../", "/./"}) {
    EXPECT_FALSE(AskedPath("/", text).has_leaf()) << text;
  }
  EXPECT_EQ(AskedPath("/", "/").full(), "/");
  EXPECT_EQ(AskedPath("/", "/").normal(), "/");
}

TEST(AskedPath, ParentAndLeafAreThePath) {
  const AskedPath path("/", "/a/../b/c/");
  ASSERT_TRUE(path.has_leaf());
  EXPECT_EQ(path.leaf(), "c/");
  EXPECT_EQ(path.Parent().full(), "/a/../b/");
  EXPECT_EQ(AskedPath("/", "/a").leaf(), "a");
  EXPECT_EQ(AskedPath("/", "/a").Parent().full(), "/");
}

}  // namespace
}  // namespace forkserver
