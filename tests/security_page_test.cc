// SECURITY.md says which test shows each promise. Those tests are there, under their names.
//
// In the page a test is `//tests/forkserver:launch_test: Launch.ManyAtOnceAllBecomeReady`: the
// target, whose source has its name, then suite and test, or several with commas between. An
// attempt that docs/sandbox.md has in its tables is: attempt `kill-host`.
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
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

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

struct CitedTests {
  std::string folder = {};              // "tests/forkserver"
  std::string target = {};              // "launch_test"
  std::vector<std::string> tests = {};  // "Launch.ManyAtOnceAllBecomeReady"
};

// Nothing: it is not as the head of this file says.
std::optional<CitedTests> ParseCitation(const std::string& span) {
  const std::vector<std::string> parts = absl::StrSplit(span, ": ");
  if (parts.size() != 2) return std::nullopt;
  const std::vector<std::string> label = absl::StrSplit(absl::StripPrefix(parts[0], "//"), ':');
  if (label.size() != 2) return std::nullopt;
  return CitedTests{label[0], label[1], absl::StrSplit(parts[1], ", ")};
}

// HOST_TEST and the like too. A long declaration has two lines.
bool Declares(std::string source, const std::string& test) {
  absl::RemoveExtraAsciiWhitespace(&source);
  const std::string name = absl::StrReplaceAll(test, {{".", ", "}});
  for (const char* macro : {"TEST", "TEST_F", "TEST_P"}) {
    if (absl::StrContains(source, absl::StrCat(macro, "(", name, ")"))) return true;
  }
  return false;
}

// An empty text where the tests are there, else what is wrong.
std::string WrongWith(const std::string& span) {
  const std::optional<CitedTests> cited = ParseCitation(span);
  if (!cited) return absl::StrCat("'", span, "' names no test");
  const std::string label = absl::StrCat("//", cited->folder, ":", cited->target);
  if (!absl::StrContains(Read(absl::StrCat(cited->folder, "/BUILD.bazel")),
                         absl::StrCat("\"", cited->target, "\""))) {
    return absl::StrCat("there is no target ", label);
  }
  const std::string source = Read(absl::StrCat(cited->folder, "/", cited->target, ".cc"));
  for (const std::string& test : cited->tests) {
    if (!Declares(source, test)) return absl::StrCat(label, " has no test ", test);
  }
  return "";
}

std::vector<std::string> Citations(const std::string& page) {
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
  const std::vector<std::string> tests = Citations(page);
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

TEST(Citations, AreFoundInAPage) {
  const std::string page =
      "| a | `//tests/x:y_test: A.B`, attempt `kill-host` |\n`code`\n(`//tests/x:z_test`)";
  EXPECT_THAT(Citations(page), ElementsAre("//tests/x:y_test: A.B", "//tests/x:z_test"));
  EXPECT_THAT(CitedAttempts(page), ElementsAre("kill-host"));
  EXPECT_THAT(Citations("none"), IsEmpty());
}

TEST(Citations, ThatAreNotThereAreNamed) {
  EXPECT_EQ(WrongWith("//tests/forkserver:reach_test: Reach.OfAnotherUserIsNone"), "");
  EXPECT_EQ(WrongWith("//tests/forkserver:reach_test: Reach.OfNobody"),
            "//tests/forkserver:reach_test has no test Reach.OfNobody");
  EXPECT_EQ(WrongWith("//tests/forkserver:reach_test: Reach.OfAnotherUserIsNone, Reach.OfNobody"),
            "//tests/forkserver:reach_test has no test Reach.OfNobody");
  EXPECT_EQ(WrongWith("//tests/forkserver:grasp_test: Reach.OfAnotherUserIsNone"),
            "there is no target //tests/forkserver:grasp_test");
  EXPECT_EQ(WrongWith("//tests/forkserver:reach_test"),
            "'//tests/forkserver:reach_test' names no test");
}

TEST(Citations, AreOfWholeNames) {
  EXPECT_TRUE(Declares("TEST(Launch, IsFast) {", "Launch.IsFast"));
  EXPECT_TRUE(Declares("HOST_TEST(Launch,\n          IsFast) {", "Launch.IsFast"));
  EXPECT_FALSE(Declares("TEST(Launch, IsFaster) {", "Launch.IsFast"));
  EXPECT_FALSE(Declares("TEST(ALaunch, IsFast) {", "Launch.IsFast"));
  EXPECT_FALSE(Declares("TEST(Launch, IsFast) {", "Launch"));
  EXPECT_FALSE(Declares("DISABLED(Launch, IsFast) {", "Launch.IsFast"));
}

}  // namespace
}  // namespace forkserver::testing
