// What a content process does wrong costs the browser host one page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Lines;
using ::testing::MatchesRegex;
using testing::ProgramResult;
using testing::RunProgram;

class HostileContent : public ::testing::Test {
 protected:
  // The folder of a site with these pages.
  std::string Site(const std::string& name, const std::vector<std::string>& pages) {
    std::filesystem::create_directory(folder_ / name);
    for (const std::string& page : pages) {
      const std::ofstream file(folder_ / name / (page + ".html"));
    }
    return (folder_ / name).string();
  }

  static ProgramResult Run(std::vector<std::string> arguments, int exit_code = 0) {
    arguments.insert(arguments.begin(), "tests/examples/hostile_browser_host");
    ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.how << "\n" << result.errors;
    return result;
  }

  // "https://a.test/page.html: what", of each page that has an error.
  static std::vector<std::string> Errors(const ProgramResult& result) {
    std::vector<std::string> errors;
    std::string page;
    for (const std::string& line : Lines(result.output)) {
      const std::string label = "  error     ";
      if (line.rfind("https://", 0) == 0) page = line;
      if (line.rfind(label, 0) == 0) errors.push_back(page + ": " + line.substr(label.size()));
    }
    return errors;
  }

  static size_t Opened(const ProgramResult& result) {
    const std::vector<std::string> lines = Lines(result.output);
    return static_cast<size_t>(std::count_if(lines.begin(), lines.end(), [](const auto& line) {
      return line.rfind("  title ", 0) == 0;
    }));
  }

  const testing::TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(HostileContent, CrashCostsOnePageAndTheSiteGoesOnInANewProcess) {
  const ProgramResult result =
      Run({"", Site("a", {"1good", "2crash", "3good", "4leave", "5good"})});
  EXPECT_THAT(Errors(result),
              ElementsAre("https://a.test/2crash.html: its process ended: killed by SIGKILL",
                          "https://a.test/4leave.html: its process ended: exited with status 0, "
                          "without a Goodbye"));
  EXPECT_EQ(Opened(result), 3u);
  EXPECT_THAT(result.output, HasSubstr("5 pages in 3 content processes"));
  EXPECT_THAT(result.output, HasSubstr("3 of 3 reaped"));
  // Nobody was killed for anything.
  EXPECT_EQ(result.errors, "");
}

TEST_F(HostileContent, AnswerInAnothersNameKillsItsProcessAndIsReportedInOneLine) {
  const ProgramResult result = Run({"", Site("a", {"1other", "2good", "3site", "4good"})});
  EXPECT_THAT(
      Lines(result.errors),
      ElementsAre(MatchesRegex(R"(browser_host: content [0-9]+ \(webIsolated=https://a.test\))"
                               R"(: killed, for .*PageDone: browser 2 .*)"),
                  MatchesRegex(R"(browser_host: content [0-9]+ \(webIsolated=https://a.test\))"
                               R"(: killed, for .*PageDone: browser [0-9]+ shows )"
                               R"(https://a.test, not https://victim.test)")));
  EXPECT_THAT(Errors(result),
              ElementsAre(MatchesRegex("https://a.test/1other.html: its process ended: killed by "
                                       "SIGKILL, for .*PageDone: browser 2 .*"),
                          MatchesRegex("https://a.test/3site.html: its process ended: killed by "
                                       "SIGKILL, for .*not https://victim.test")));
  EXPECT_EQ(Opened(result), 2u);
  EXPECT_THAT(result.output, HasSubstr("3 of 3 reaped"));
}

TEST_F(HostileContent, WhatItSaysMakesNoLinesOfItsOwn) {
  const ProgramResult result = Run({"", Site("a", {"1forge", "2good", "3lie", "4good"})});
  EXPECT_THAT(Lines(result.errors),
              ElementsAre(HasSubstr("PageDone: browser 1 shows https://a.test, not "
                                    "x\\x0abrowser_host: all is well")));
  EXPECT_THAT(Errors(result),
              ElementsAre(HasSubstr("https://a.test, not x\\x0abrowser_host: all is well"),
                          "https://a.test/3lie.html: x\\x0a  title     good\\x1b[2J"));
  EXPECT_EQ(Opened(result), 2u);
}

TEST_F(HostileContent, NonsenseAndAFloodAreReportedInOneLineEach) {
  const ProgramResult result = Run({"", Site("a", {"1flood", "2good", "3garbage", "4good"})});
  EXPECT_THAT(Lines(result.errors), ElementsAre(HasSubstr("PageItems: more than 100000 items"),
                                                HasSubstr("killed, for ")));
  EXPECT_THAT(Errors(result), ElementsAre(HasSubstr("https://a.test/1flood.html: "),
                                          HasSubstr("https://a.test/3garbage.html: ")));
  EXPECT_EQ(Opened(result), 2u);
  EXPECT_THAT(result.output, HasSubstr("3 of 3 reaped"));
}

TEST_F(HostileContent, PictureThatIsNoneKillsItsProcess) {
  const ProgramResult result =
      Run({"", Site("a", {"1picture-good", "2picture-short", "3picture-wide", "4picture-none",
                          "5picture-unsealed", "6picture-socket", "7picture-twice", "8good",
                          "9picture-layer"})});
  EXPECT_THAT(Lines(result.errors),
              ElementsAre(HasSubstr("PagePainted: 2 by 2 pixels in 15 bytes"),
                          HasSubstr("PagePainted: a picture 2147483648 wide, of 2"),
                          HasSubstr("PagePainted: a picture 0 wide, of 2"),
                          HasSubstr("PagePainted: 2 by 2 pixels: EPERM"),
                          HasSubstr("PagePainted: 2 by 2 pixels: EINVAL"),
                          HasSubstr("PagePainted: a picture that nobody waits for"),
                          HasSubstr("PagePainted: layer 1 was never given out")));
  EXPECT_EQ(Errors(result).size(), 7u);
  EXPECT_EQ(Opened(result), 2u);
  EXPECT_THAT(result.output,
              HasSubstr("  picture   4 pixels, last 0xffffffff, 2 by 2, painted in "));
}

// Of a layer that there is: the frame in another page's.
TEST_F(HostileContent, PageThatPlacesAnotherPagesFrameIsKilled) {
  const ProgramResult result = Run(
      {"", Site("a", {"1owner"}), Site("b", {"picture-frame"}), Site("c", {"1thief", "2good"})});
  EXPECT_THAT(Lines(result.errors),
              ElementsAre(::testing::ContainsRegex("webIsolated=https://c.test\\): killed, for "
                                                   "Content PagePainted: layer [0-9]+ is not in "
                                                   "browser [0-9]+ of child [0-9]+"),
                          HasSubstr("no answer within 10 s")));
  // The frame's own, and the one behind the thief's.
  EXPECT_EQ(Opened(result), 2u);
}

// What it says of its height is nobody's memory: only words.
TEST_F(HostileContent, PageThatSaysItIsHigherThanAnyIsSaidToBeAtLeastAsHigh) {
  const ProgramResult result = Run({"", Site("a", {"1picture-high", "2good"})});
  EXPECT_THAT(result.output, HasSubstr("2 by 10000, cut: the page is 32000 or more high"));
  EXPECT_EQ(Opened(result), 2u);
}

// Each is told why, and is no reason to end a process.
TEST_F(HostileContent, FramesBeyondABoundAreRefused) {
  const ProgramResult result = Run({"", Site("a", {"1boxes", "2good"})});
  EXPECT_THAT(Errors(result),
              ElementsAre(AllOf(
                  HasSubstr("a frame of no such size; "), HasSubstr("no URL"),
                  HasSubstr("; the page has too many frames; the page's frames are too large"))));
  EXPECT_EQ(Opened(result), 1u);
  EXPECT_EQ(result.errors, "");
}

TEST_F(HostileContent, WebContentThatWantsThePrefsIsKilled) {
  const ProgramResult result = Run({"", Site("a", {"1prefs", "2good"})});
  EXPECT_THAT(Lines(result.errors), ElementsAre(HasSubstr("killed, for Content OpenAboutData: ")));
  EXPECT_EQ(Opened(result), 1u);
}

// One for a page that is done may have been on its way.
TEST_F(HostileContent, WhoWantsADocumentForAResourceIsKilledAndWhoIsLateIsNot) {
  const ProgramResult result = Run({"", Site("a", {"1resource", "2late", "3good"})});
  EXPECT_THAT(Lines(result.errors),
              ElementsAre(HasSubstr("LoadResource: a document that is no frame's")));
  EXPECT_EQ(Opened(result), 2u);
}

TEST_F(HostileContent, ProcessThatDoesNotAnswerIsKilledAfterTenSeconds) {
  const ProgramResult result = Run({"", Site("a", {"1hang", "2good"})});
  EXPECT_THAT(Errors(result), ElementsAre("https://a.test/1hang.html: no answer within 10 s"));
  EXPECT_EQ(Opened(result), 1u);
  EXPECT_THAT(Lines(result.errors), ElementsAre(HasSubstr("killed, for no answer within 10 s")));
  EXPECT_THAT(result.output, HasSubstr("2 of 2 reaped"));
}

// One process has both: what waits in it for its turn is not lost with it.
TEST_F(HostileContent, CrashInASharedProcessCostsOnePageToo) {
  const ProgramResult result =
      Run({"pref(\"fission.autostart\", false); pref(\"dom.ipc.processCount\", 1);",
           Site("a", {"1crash", "2good", "3good"}), Site("b", {"1good", "2crash", "3good"}),
           Site("c", {"1good", "2good"})});
  EXPECT_THAT(Errors(result),
              ElementsAre("https://a.test/1crash.html: its process ended: killed by SIGKILL",
                          "https://b.test/2crash.html: its process ended: killed by SIGKILL"));
  EXPECT_EQ(Opened(result), 6u);
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("8 pages in 3 content processes"), HasSubstr("3 of 3 reaped")));
}

// Not content's doing, but it alone knows when: a host that is sent a signal in the midst of it.
TEST_F(HostileContent, SignalToTheHostEndsAllAndWhatWasDoneIsPrinted) {
  const ProgramResult result = Run({"pref(\"security.sandbox.content.level\", 0);",
                                    Site("a", {"1good", "2good", "3signal", "4good"})},
                                   128 + SIGINT);
  EXPECT_EQ(Opened(result), 2u) << result.output;
  EXPECT_THAT(Errors(result), ElementsAre());
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("2 pages in 1 content process;"), HasSubstr("exited with status 0\n"),
                    HasSubstr("1 of 1 reaped")));
  EXPECT_EQ(result.errors, "");
}

}  // namespace
}  // namespace forkserver
