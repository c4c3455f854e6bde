// Some hundreds of hostile pages and images, in the browser host as a user runs it: children may
// die of them, and nothing else does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>

#include "tests/examples/decode/hostile_pictures.h"
#include "tests/examples/paint/hostile_pages.h"
#include "tests/examples/painted_sites.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::testing::HasSubstr;

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++count;
  return count;
}

class HostileSites : public PaintedSites {
 protected:
  // Of several sites, so that one that dies does not hold up the others.
  void WritePage(const std::string& html) {
    const size_t number = pages_++;
    Write("sites/s" + std::to_string(number % 6) + "/" + std::to_string(number) + ".html", html);
  }

  // Each page has come to something, a good one in the end too, and no process is left.
  void ExpectThatTheHostLives() {
    Write("sites/zz/good.html", "<title>good</title>");
    const ProgramResult result = RunOn({folder_ / "sites"});
    // 1: pages were lost, and no more.
    EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 1) << result.exit_code;
    EXPECT_EQ(Count(result.output, "\n  picture   "), pages_ + 1);
    EXPECT_THAT(result.output, HasSubstr("https://zz.test/good.html\n  title     good\n"));
    EXPECT_THAT(result.output, HasSubstr(" reaped\n"));
    const size_t summary = result.output.rfind("; ");
    int reaped = 0;
    int launched = -1;
    sscanf(result.output.c_str() + summary, "; %d of %d reaped", &reaped, &launched);
    EXPECT_EQ(reaped, launched);
  }

  size_t pages_ = 0;
};

TEST_F(HostileSites, OfEachKindEndInAPictureOrAPageThatSaysWhy) {
  for (const browser_host::HostilePage& page : browser_host::HostilePages()) WritePage(page.html);
  ExpectThatTheHostLives();
}

TEST_F(HostileSites, ThatChanceWroteDoToo) {
  WritePicture("sites/s0/a.png", kRed);
  Write("sites/s0/a.css", "@import 'a.css'; * { display: table-row }");
  for (uint32_t seed = 1; seed <= 250; ++seed) WritePage(browser_host::RandomPage(seed));
  ExpectThatTheHostLives();
}

// Bytes of no language at all, and pages of another's text cut anywhere.
TEST_F(HostileSites, OfNoiseDoToo) {
  std::mt19937 random(7);
  for (int i = 0; i < 40; ++i) {
    std::string noise(random() % 20'000, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    WritePage(noise);
  }
  const std::string page = browser_host::RandomPage(1);
  for (size_t size = 0; size < page.size(); size += page.size() / 20) {
    WritePage(page.substr(0, size));
  }
  ExpectThatTheHostLives();
}

// Each in a page of its own: what a page before it has left behind in the decoder is there too.
TEST_F(HostileSites, OfHostilePicturesDoToo) {
  size_t count = 0;
  for (const browser_host::NamedPicture& picture : browser_host::HostilePictures()) {
    // Every eighth; all in one page are page_resources_test's.
    if (count++ % 8 != 0) continue;
    const std::string name = std::to_string(count);
    const std::string site = "sites/s" + std::to_string(pages_ % 6) + "/";
    Write(site + name + ".png", std::string(picture.bytes.begin(), picture.bytes.end()));
    WritePage("<img src=" + name + ".png>");
  }
  EXPECT_GT(pages_, 20u);
  ExpectThatTheHostLives();
}

TEST_F(HostileSites, WhosePagesFrameEachOtherDoToo) {
  for (int i = 0; i < 12; ++i) {
    std::string html;
    for (int j = 0; j < 12; ++j) {
      html += "<iframe src='https://s" + std::to_string(j % 6) + ".test/" + std::to_string(j) +
              ".html' width=" + std::to_string(1 << j) + " height=" + std::to_string(20'000 >> j) +
              "></iframe>";
    }
    WritePage(html);
  }
  ExpectThatTheHostLives();
}

}  // namespace
}  // namespace forkserver::testing
