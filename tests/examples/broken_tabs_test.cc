// Pages of the browser host that are lost: those that break their process, and those that nobody
// has. Each has a page in its place, and the others go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <thread>

#include "examples/browser_host/report_ids.h"
#include "tests/examples/painted_sites.h"
#include "tests/testing/program.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"

namespace forkserver::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint32_t kMessageGrey = 0xfff4f4f4;

class BrokenTabs : public PaintedSites {
 protected:
  std::string Reports() const { return folder_ / "reports"; }
  std::string Report(const std::string& output, const std::string& url) const {
    std::smatch found;
    const std::regex pattern(url + "\n  error .*\n  report +([^\n]+)\n");
    if (!std::regex_search(output, found, pattern)) return "";
    std::ifstream file(Reports() + "/" + found[1].str() + ".txt");
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(BrokenTabs, ShowTheCrashPageWithTheReportsIdAndTheOthersGoOn) {
  Write("sites/a/page.html", "<title>whole</title>");
  const ProgramResult result = RunOn({"--crash-reports", Reports(), folder_ / "sites",
                                      "about:crash", "https://a.test/page.html", "about:oom"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("  title     whole\n  headings"),
                    ContainsRegex("about:crash\n  error     its process ended: killed by SIGSEGV\n"
                                  "  report    [^ ]+-crash\n  picture   about-crash.png, 800 by "),
                    ContainsRegex("about:oom\n  error     its process ended: killed by SIGABRT\n"
                                  "  report    [^ ]+-crash\n  picture   about-oom.png, 800 by ")));
  EXPECT_THAT(Report(result.output, "about:crash"), HasSubstr("CrashOfAboutCrash"));
  EXPECT_THAT(Report(result.output, "about:oom"), HasSubstr("reason       out of memory: "));
  EXPECT_EQ(PictureOf("about-crash.png").At(799, 0), kMessageGrey);
  EXPECT_EQ(PictureOf("about-oom.png").At(799, 0), kMessageGrey);
}

TEST_F(BrokenTabs, ThatHangEndAtTheirDeadline) {
  Write("sites/a/page.html", "<title>whole</title>");
  const ProgramResult result = RunOn(
      {"--crash-reports", Reports(), folder_ / "sites", "about:hang", "https://a.test/page.html"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(
      result.output,
      AllOf(HasSubstr("  title     whole\n  headings"),
            ContainsRegex("about:hang\n  error     no answer within 10 s\n"
                          "  report    [^ ]+-missed-deadline\n  picture   about-hang.png")));
  EXPECT_THAT(Report(result.output, "about:hang"), HasSubstr("no answer within 10 s"));
}

// Where no reports are asked for, and none is waited for.
TEST_F(BrokenTabs, HaveTheirPageWithoutAReport) {
  const ProgramResult result = RunOn({"about:crash"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("  picture   about-crash.png, "), Not(HasSubstr("  report "))));
}

TEST_F(BrokenTabs, AreNothingThatAPageCanFrame) {
  Write("sites/a/page.html", "<iframe src=about:crash></iframe><iframe src=about:hang></iframe>");
  const ProgramResult result = RunOn({folder_ / "sites"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST_F(BrokenTabs, OfTheNetworkSayWhatIsWrongWithTheirServer) {
  const ProgramResult result = RunOn({"http://127.0.0.1:1/"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("connection refused\n  picture   127.0.0.1-1.png, 800 by "));
  EXPECT_EQ(PictureOf("127.0.0.1-1.png").At(799, 0), kMessageGrey);
}

TEST(ReportIds, ComeFromAnotherThreadOrNotAtAll) {
  const auto loop = *EventLoop::Create();
  browser_host::ReportIds ids;
  ids.Add(1, "early");
  ASSERT_TRUE(ids.Watch(*loop).ok());
  std::string said;
  const auto wait_for = [&](pid_t pid, int64_t deadline) {
    said = "?";
    ids.WhenKnown(pid, deadline, [&](const std::string& id) { said = id; });
    while (said == "?") loop->Run(kNever);
    return said;
  };
  EXPECT_EQ(wait_for(1, kNever), "early");
  EXPECT_EQ(wait_for(1, NowNanos() + 1), "");  // it was told
  std::thread reporter([&] {
    ids.Add(2, "somebody else's");
    ids.Add(3, "late");
  });
  EXPECT_EQ(wait_for(3, kNever), "late");
  reporter.join();
  ids.WhenKnown(4, kNever, [&](const std::string&) { ADD_FAILURE(); });
  ids.Unwatch();
  loop->Run(NowNanos());
}

}  // namespace
}  // namespace forkserver::testing
