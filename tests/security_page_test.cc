// SECURITY.md says which test shows each promise. Those tests are there, under their names.
//
// In the page a test is `//tests/forkserver:launch_test: Launch.ChildrenOutliveTheirTemplate`: the
// target, whose source has its name, then suite and test, or several with commas between. An
// attempt that docs/sandbox.md has in its tables is: attempt `kill-host`.
//
// README.md and docs/ name suite and test alone, `Launch.ManyAtOnceAllBecomeReady`, with `*` for
// what a name may have there. What one page says of another's tables holds, too.
#include <fnmatch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <set>
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
  std::vector<std::string> tests = {};  // "Launch.ChildrenOutliveTheirTemplate"
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

// "Launch.IsFast"
std::set<std::string> TestsIn(const std::string& source) {
  static const std::regex kDeclaration(R"((?:TEST|TEST_F|TEST_P)\((\w+),\s*(\w+)\))");
  std::set<std::string> tests;
  for (std::sregex_iterator match(source.begin(), source.end(), kDeclaration), end; match != end;
       ++match) {
    tests.insert(absl::StrCat((*match)[1].str(), ".", (*match)[2].str()));
  }
  return tests;
}

// Of all folders that are in this test's data.
std::set<std::string> AllTests() {
  std::set<std::string> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("tests")) {
    if (absl::EndsWith(entry.path().string(), "_test.cc")) {
      all.merge(TestsIn(Read(entry.path().string())));
    }
  }
  return all;
}

std::vector<std::string> NamedTests(const std::string& page) {
  static const std::regex kName(R"([A-Z]\w*\.[A-Z*][\w*]*)");
  std::vector<std::string> tests;
  for (const auto& [before, span] : CodeSpans(page)) {
    if (std::regex_match(span, kName)) tests.push_back(span);
  }
  return tests;
}

bool IsOneOf(const std::set<std::string>& tests, const std::string& name) {
  return std::any_of(tests.begin(), tests.end(), [&name](const std::string& test) {
    return fnmatch(name.c_str(), test.c_str(), 0) == 0;
  });
}

// The cells of the first row of a page's tables that begins so, without blanks around them.
std::vector<std::string> Row(const std::string& page, const std::string& first_cell) {
  const size_t row = page.find(absl::StrCat("\n| ", first_cell, " |"));
  EXPECT_NE(row, page.npos) << first_cell;
  if (row == page.npos) return {};
  const std::string line = page.substr(row + 1, page.find('\n', row + 1) - row - 1);
  std::vector<std::string> cells = absl::StrSplit(line, '|');
  for (std::string& cell : cells) absl::StripAsciiWhitespace(&cell);
  return {cells.begin() + 1, cells.end() - 1};
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

TEST(Pages, NameTestsThatAreThere) {
  const std::set<std::string> there = AllTests();
  size_t named = 0;
  for (const char* page :
       {"README.md", "docs/adding-a-process-type.md", "docs/design.md", "docs/kernel-notes.md",
        "docs/process-model.md", "docs/process-types.md", "docs/sandbox.md"}) {
    for (const std::string& test : NamedTests(Read(page))) {
      EXPECT_TRUE(IsOneOf(there, test)) << page << " names " << test << ", which is not there";
      ++named;
    }
  }
  EXPECT_GT(named, 40u);
}

TEST(Pages, CountTheAttemptsOfTheTables) {
  const std::string tables = Read("docs/sandbox.md");
  static const std::regex kRow("\n\\| `([a-z0-9-]+)` ");
  std::set<std::string> attempts;
  for (std::sregex_iterator match(tables.begin(), tables.end(), kRow), end; match != end; ++match) {
    attempts.insert((*match)[1].str());
  }
  const std::string readme = absl::StrReplaceAll(Read("README.md"), {{"\n", " "}});
  EXPECT_TRUE(
      absl::StrContains(readme, absl::StrCat("what comes of ", attempts.size(), " attempts")))
      << "docs/sandbox.md has " << attempts.size() << " attempts, and README.md another number";
}

TEST(Pages, AgreeOnTheTypesOfThePolicies) {
  const std::string security = Read("SECURITY.md");
  const std::string sandbox = Read("docs/sandbox.md");
  for (const char* policy : {"media", "data-decoder", "utility", "socket", "gpu", "vr"}) {
    SCOPED_TRACE(policy);
    EXPECT_EQ(Row(security, policy).at(1), Row(sandbox, policy).at(1));
  }
}

TEST(Citations, AreFoundInAPage) {
  const std::string page =
      "| a | `//tests/x:y_test: A.B`, attempt `kill-host` |\n`code`\n(`//tests/x:z_test`)";
  EXPECT_THAT(Citations(page), ElementsAre("//tests/x:y_test: A.B", "//tests/x:z_test"));
  EXPECT_THAT(CitedAttempts(page), ElementsAre("kill-host"));
  EXPECT_THAT(Citations("none"), IsEmpty());
}

TEST(Citations, OfTestsAloneAreFoundAndMayHaveStars) {
  EXPECT_THAT(NamedTests("`Launch.IsFast`, `Launch.*`, `README.md`, `a.B` Launch.Is"),
              ElementsAre("Launch.IsFast", "Launch.*"));
  const std::set<std::string> tests = TestsIn("TEST(A, B) {\nHOST_TEST(C,\n    Def) {");
  EXPECT_THAT(tests, ElementsAre("A.B", "C.Def"));
  EXPECT_TRUE(IsOneOf(tests, "A.*"));
  EXPECT_TRUE(IsOneOf(tests, "C.*e*"));
  EXPECT_FALSE(IsOneOf(tests, "C.De"));
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
