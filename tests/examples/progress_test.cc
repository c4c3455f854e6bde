// What the browser host says of a long run while it lasts.
#include "examples/browser_host/progress.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "transceiver/clock.h"

namespace browser_host {
namespace {

using forkserver::kNanosPerSecond;

TEST(PageProgress, IsALineASecondAndNoneInTheFirstOrOfTheLastPage) {
  const std::vector<Site> sites = {{.pages = std::vector<Page>(2)},
                                   {.pages = std::vector<Page>(4)}};
  PageProgress progress(sites, 0);
  EXPECT_EQ(progress.OnPage(kNanosPerSecond - 1), "");
  EXPECT_EQ(progress.OnPage(kNanosPerSecond), "2 of 6 pages\n");
  EXPECT_EQ(progress.OnPage(2 * kNanosPerSecond - 1), "");
  EXPECT_EQ(progress.OnPage(5 * kNanosPerSecond), "4 of 6 pages\n");
  EXPECT_EQ(progress.OnPage(5 * kNanosPerSecond + 1), "");
  EXPECT_EQ(progress.OnPage(9 * kNanosPerSecond), "");
}

TEST(PageProgress, SaysHowFarItWasWhenASignalStoppedIt) {
  PageProgress progress({{.pages = std::vector<Page>(3)}}, 0);
  progress.OnPage(0);
  EXPECT_EQ(progress.Stopped(SIGINT), "stopped by SIGINT, after 1 of 3 pages\n");
}

}  // namespace
}  // namespace browser_host
