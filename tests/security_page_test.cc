// SECURITY.md says which test shows each promise. Those tests are there, under their names.
//
// In the page a test is `//tests/forkserver:launch_test: Launch.ManyAtOnceAllBecomeReady`: the
// target, whose source has its name, then suite and test. An attempt that docs/sandbox.md has in
// its tables is: attempt `kill-host`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace forkserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Read(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path << " is not there, or not in this test's data";
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What stands between backquotes, each with the word before it.
std::vector<std::pair<std::string, std::string>> CodeSpans(const std::string& page) {
  const std::vector<std::string> pieces = absl::StrSplit(page, '`');
  std::vector<std::pair<std::string, std::string>> spans;
  for (size_t i = 1; i < pieces.size(); i += 2) {
    const std::vector<std::string> words =
        absl::StrSplit(pieces[i - 1], absl::ByAnyChar(" \n|("), absl::SkipEmpty());
    spans.emplace_back(words.empty() ? "" : words.back(), pieces[i]);
  }
  return spans;
}

struct CitedTest {
  std::string folder = {};  // "tests/forkserver"
  std::string target = {};  // "launch_test"
  std::string suite = {};
  std::string name = {};
};

// Nothing: it is not as the head of this file says.
std::optional<CitedTest> ParseCitedTest(const std::string& span) {
  const std::vector<std::string> parts = absl::StrSplit(span, ": ");
  if (parts.size() != 2 || !absl::StartsWith(parts[0], "//")) return std::nullopt;
  const std::vector<std::string> label = absl::StrSplit(parts[0].substr(2), ':');
  const std::vector<std::string> test = absl::StrSplit(parts[1], '.');
  if (label.size() != 2 || test.size() != 2 || test[0].empty() || test[1].empty()) {
    return std::nullopt;
  }
  return CitedTest{label[0], label[1], test[0], test[1]};
}

// HOST_TEST and the like too. A long declaration has two lines.
bool Declares(std::string source, const CitedTest& test) {
  absl::RemoveExtraAsciiWhitespace(&source);
  for (const char* macro : {"TEST", "TEST_F", "TEST_P"}) {
    if (absl::StrContains(source, absl::StrCat(macro, "(", test.suite, ", ", test.name, ")"))) {
      return true;
    }
  }
  return false;
}

// An empty text where the test is there, else what is wrong.
std::string WrongWith(const std::string& span) {
  const std::optional<CitedTest> test = ParseCitedTest(span);
  if (!test) return absl::StrCat("'", span, "' names no test");
  if (!absl::StrContains(Read(absl::StrCat(test->folder, "/BUILD.bazel")),
                         absl::StrCat("\"", test->target, "\""))) {
    return absl::StrCat("there is no target //", test->folder, ":", test->target);
  }
  if (!Declares(Read(absl::StrCat(test->folder, "/", test->target, ".cc")), *test)) {
    return absl::StrCat("//", test->folder, ":", test->target, " has no test ", test->suite, ".",
                        test->name);
  }
  return "";
}

std::vector<std::string> CitedTests(const std::string& page) {
  std::vector<std::string> tests;
  for (const auto& [before, span] : CodeSpans(page)) {
    if (absl::StartsWith(span, "//tests/")) tests.push_back(span);
  }
  return tests;
}

std::vector<std::string> CitedAttempts(const std::string& page) {
  std::vector<std::string> attempts;
  for (const auto& [before, span] : CodeSpans(page)) {
    if (before == "attempt") attempts.push_back(span);
  }
  return attempts;
}

size_t Count(const std::string& page, const std::string& word) {
  return std::vector<std::string>(absl::StrSplit(page, word)).size() - 1;
}

TEST(SecurityPage, CitesTestsThatAreThere) {
  const std::string page = Read("SECURITY.md");
  const std::vector<std::string> tests = CitedTests(page);
  EXPECT_FALSE(tests.empty());
  for (const std::string& test : tests) EXPECT_EQ(WrongWith(test), "");
  // None is written in a way that is not seen here.
  EXPECT_THAT(tests, SizeIs(Count(page, "//tests/")));
}

TEST(SecurityPage, CitesAttemptsThatAreInTheTables) {
  const std::string page = Read("SECURITY.md");
  const std::vector<std::string> attempts = CitedAttempts(page);
  EXPECT_FALSE(attempts.empty());
  const std::string tables = Read("docs/sandbox.md");
  for (const std::string& attempt : attempts) {
    EXPECT_THAT(tables, HasSubstr(absl::StrCat("\n| `", attempt, "` "))) << attempt;
  }
  EXPECT_THAT(attempts, SizeIs(Count(page, "attempt `")));
}

TEST(CitedTests, AreFoundInAPage) {
  const std::string page =
      "| a | `//tests/x:y_test: A.B`, attempt `kill-host` |\n`code`\n(`//tests/x:z_test`)";
  EXPECT_THAT(CitedTests(page), ElementsAre("//tests/x:y_test: A.B", "//tests/x:z_test"));
  EXPECT_THAT(CitedAttempts(page), ElementsAre("kill-host"));
  EXPECT_THAT(CitedTests("none"), IsEmpty());
}

TEST(CitedTests, ThatAreNotThereAreNamed) {
  EXPECT_EQ(WrongWith("//tests/forkserver:reach_test: Reach.OfAnotherUserIsNone"), "");
  EXPECT_EQ(WrongWith("//tests/forkserver:reach_test: Reach.OfNobody"),
            "//tests/forkserver:reach_test has no test Reach.OfNobody");
  EXPECT_EQ(WrongWith("//tests/forkserver:grasp_test: Reach.OfAnotherUserIsNone"),
            "there is no target //tests/forkserver:grasp_test");
  EXPECT_EQ(WrongWith("//tests/forkserver:reach_test"),
            "'//tests/forkserver:reach_test' names no test");
}

TEST(CitedTests, AreDeclaredByWholeNames) {
  const CitedTest test = {.suite = "Launch", .name = "IsFast"};
  EXPECT_TRUE(Declares("TEST(Launch, IsFast) {", test));
  EXPECT_TRUE(Declares("HOST_TEST(Launch,\n          IsFast) {", test));
  EXPECT_FALSE(Declares("TEST(Launch, IsFaster) {", test));
  EXPECT_FALSE(Declares("TEST(ALaunch, IsFast) {", test));
  EXPECT_FALSE(Declares("DISABLED(Launch, IsFast) {", test));
}

}  // namespace
}  // namespace forkserver::testing
