// about:processes and about:config as pages of the browser host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/examples/painted_sites.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class AboutPages : public PaintedSites {};

TEST_F(AboutPages, AreLaidOutInAPrivilegedContentProcess) {
  Write("sites/a/page.html", "<title>a</title>");
  const ProgramResult result =
      RunOn({folder_ / "sites", "about:processes", "about:config", "https://a.test/page.html"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              AllOf(ContainsRegex("about:processes\n  title     Processes\n"),
                    ContainsRegex("about:config\n  title     Prefs\n"),
                    ContainsRegex("content +privilegedabout +[a-z]+ +2 "),
                    ContainsRegex("content +webIsolated=https://a.test +[a-z]+ +1 ")));
  // A row for each process.
  EXPECT_GT(PictureOf("about-processes.png").height, 150u);
}

// The next page has it: what it shows comes of the new generation.
TEST_F(AboutPages, AnEditIsThereFromThenOn) {
  const std::string prefs = Write("prefs.js", "pref(\"a.b\", 3);");
  const ProgramResult result = Run(
      {"--prefs", prefs, "about:config?a.b", "about:config?set=a.b=1234567", "about:config?a.b"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  // Of its text only the size is told: six digits more, and "set" for what it says of a default.
  std::vector<int> sizes;
  for (size_t at = 0; (at = result.output.find("  text      ", at)) != std::string::npos; ++at) {
    sizes.push_back(atoi(result.output.c_str() + at + 12));
  }
  ASSERT_EQ(sizes.size(), 3u) << result.output;
  EXPECT_EQ(sizes[2] - sizes[0], 6 + 3 - 7) << result.output;
}

TEST_F(AboutPages, ThatAreRefusedSayWhy) {
  const ProgramResult result = RunOn({"about:config?set=security.sandbox.content.level=0"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("17 of 17 layers"));
}

TEST_F(AboutPages, OfAnotherNameAreNone) {
  const ProgramResult result = Run({"about:nonsense"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("about:nonsense is not served here"));
}

// No page of the web can have them: not by a frame, and not by a link that nobody follows.
TEST_F(AboutPages, AreNothingThatAPageOfTheWebCanOpen) {
  Write("sites/a/page.html",
        "<iframe src='about:config?set=x.y=1&kind=int'></iframe>"
        "<link rel=stylesheet href='about:config?set=x.y=1&kind=int'>"
        "<img src='about:config?set=x.y=1&kind=int'>");
  const ProgramResult result =
      RunOn({folder_ / "sites", "https://a.test/page.html", "about:config?x.y"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, Not(HasSubstr("x.y is set")));
}

}  // namespace
}  // namespace forkserver::testing
