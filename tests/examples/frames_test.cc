// Frames in pages of the browser host: those of other sites are other processes', and one picture.
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

constexpr char kBare[] = "<body style='margin:0'><style>iframe{display:block;border:0}</style>";

std::string Coloured(const std::string& colour) {
  return "<body style='margin:0; background:" + colour + "'>";
}

std::string Frame(const std::string& url, int width = 40, int height = 20) {
  return "<iframe src='" + url + "' width=" + std::to_string(width) +
         " height=" + std::to_string(height) + "></iframe>";
}

class Frames : public PaintedSites {
 protected:
  // The picture of a page with this body at https://a.test/page.html; other sites are only served.
  ReadPicture Painted(const std::string& body) {
    Write("sites/a/page.html", kBare + body);
    const ProgramResult result = RunOn({folder_ / "sites", "https://a.test/page.html"});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    output_ = result.output;
    errors_ = result.errors;
    return PictureOf("a.test-page.html.png");
  }
  std::string output_;
  std::string errors_;
};

TEST_F(Frames, OfTheSiteArePartOfItsProcessesPicture) {
  Write("sites/a/inner.html", Coloured("#00f"));
  const ReadPicture picture = Painted(Frame("inner.html") + "<p>");
  EXPECT_EQ(picture.At(39, 19), kBlue);
  EXPECT_EQ(picture.At(40, 19), kWhite);
  EXPECT_EQ(picture.At(39, 20), kWhite);
  EXPECT_THAT(output_, AllOf(HasSubstr("1 page in 1 content process;"), Not(HasSubstr(" gpu "))));
}

TEST_F(Frames, OfAnotherSiteAreThatSitesAndComposedByTheGpuProcess) {
  Write("sites/b/inner.html", Coloured("#f00"));
  const ReadPicture picture =
      Painted("<div style='height:7px'></div>" + Frame("https://b.test/inner.html") + "<p>");
  EXPECT_EQ(picture.At(0, 6), kWhite);
  EXPECT_EQ(picture.At(0, 7), kRed);
  EXPECT_EQ(picture.At(39, 26), kRed);
  EXPECT_EQ(picture.At(40, 26), kWhite);
  EXPECT_EQ(picture.At(39, 27), kWhite);
  EXPECT_THAT(output_, AllOf(ContainsRegex("content +webIsolated=https://a.test "),
                             ContainsRegex("content +webIsolated=https://b.test "),
                             ContainsRegex("gpu +- +fork +- .* exited with status 0\n"),
                             HasSubstr("1 page in 2 content processes;")));
}

TEST_F(Frames, OfOneSiteInOnePageShareAProcess) {
  Write("sites/b/red.html", Coloured("#f00"));
  Write("sites/b/blue.html", Coloured("#00f"));
  const ReadPicture picture =
      Painted(Frame("https://b.test/red.html") + Frame("https://b.test/blue.html"));
  EXPECT_EQ(picture.At(39, 19), kRed);
  EXPECT_EQ(picture.At(39, 20), kBlue);
  EXPECT_THAT(output_, HasSubstr("1 page in 2 content processes;"));
}

// As the frame around it shows it.
TEST_F(Frames, InFramesOfTheSiteAreInTheirPlaceAndClipped) {
  Write("sites/b/red.html", Coloured("#f00"));
  Write("sites/a/inner.html", std::string(kBare) + "<div style='height:5px'></div>" +
                                  Frame("https://b.test/red.html", 100, 100));
  const ReadPicture picture = Painted("<div style='height:10px'></div>" +
                                      Frame("inner.html", 30, 20) + "<p style='margin:50px'>");
  EXPECT_EQ(picture.At(0, 14), kWhite);
  EXPECT_EQ(picture.At(0, 15), kRed);
  EXPECT_EQ(picture.At(29, 29), kRed);
  EXPECT_EQ(picture.At(30, 29), kWhite);
  EXPECT_EQ(picture.At(29, 30), kWhite);
}

TEST_F(Frames, HaveTheirOwnImagesAndStyleSheets) {
  WritePicture("sites/b/blue.png", kBlue);
  Write("sites/b/style.css", "img { display: block; margin-left: 10px }");
  Write("sites/b/inner.html",
        std::string(kBare) + "<link rel=stylesheet href=style.css><img src=blue.png>");
  const ReadPicture picture = Painted(Frame("https://b.test/inner.html"));
  EXPECT_EQ(picture.At(9, 5), kWhite);
  EXPECT_EQ(picture.At(10, 5), kBlue);
}

TEST_F(Frames, WithoutADocumentHaveAPageThatSaysWhy) {
  Write("sites/b/page.html", "b");
  const ReadPicture picture =
      Painted(Frame("https://b.test/missing.html", 300, 100) +
              Frame("https://b.test/picture.png", 300, 100) +
              Frame("https://nobody.test/", 300, 100) + Frame("file:///etc/passwd", 300, 100));
  // What is below .test and not served is not looked for on the network.
  EXPECT_THAT(output_, Not(HasSubstr("socket")));
  ASSERT_EQ(picture.height, 400u);
  for (uint32_t y = 10; y < 400; y += 100) EXPECT_EQ(picture.At(290, y), 0xfff4f4f4u) << y;
}

// A page may go on for ever in frames of itself.
TEST_F(Frames, OfItselfEnd) {
  Painted(Frame("page.html", 300, 200) + Frame("page.html", 300, 200));
  EXPECT_THAT(output_, HasSubstr("1 page in 1 content process;"));
}

TEST_F(Frames, OfManySitesAreAsManyAsAPageMayHave) {
  std::string body;
  for (int i = 0; i < 12; ++i) {
    const std::string site = "other" + std::to_string(i);
    Write("sites/" + site + "/x.html", Coloured("#f00"));
    body += Frame("https://" + site + ".test/x.html");
  }
  const ReadPicture picture = Painted(body);
  int shown = 0;
  for (uint32_t y = 10; y < 240; y += 20) shown += picture.At(20, y) == kRed;
  EXPECT_EQ(shown, 8);  // NestedContent::kMostBridges
  EXPECT_THAT(output_, HasSubstr("1 page in 9 content processes;"));
}

// Each would be memory of the host's.
TEST_F(Frames, ThatAreVeryLargeAreAsManyAsThereIsRoomFor) {
  std::string body;
  Write("sites/b/x.html", Coloured("#f00"));
  for (int i = 0; i < 6; ++i) {
    body += "<div style='position:absolute; top:0; left:" + std::to_string(i) + "px'>" +
            Frame("https://b.test/x.html", 700, 9000) + "</div>";
  }
  const ReadPicture picture = Painted(body + "<div style='height:9000px'></div>");
  // The fifth has made 31.5 million pixels of 33.5.
  EXPECT_EQ(picture.At(0, 8999), kRed);
  EXPECT_EQ(picture.At(4, 8999), kRed);
  EXPECT_EQ(picture.At(703, 8999), kRed);
  EXPECT_NE(picture.At(704, 8999), kRed);
}

// A process that dies of a frame's page takes that with it, and not the page around it.
TEST_F(Frames, ThatCannotBeLaidOutLeaveThePageWhole) {
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "<div>";
  Write("sites/b/deep.html", deep);
  Write("sites/b/red.html", Coloured("#f00"));
  const ReadPicture picture =
      Painted(Frame("https://b.test/deep.html") + Frame("https://b.test/red.html"));
  EXPECT_EQ(picture.At(39, 39), kRed);
}

}  // namespace
}  // namespace forkserver::testing
