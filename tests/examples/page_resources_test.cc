// What pages of the browser host have from elsewhere: style sheets and images.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "examples/browser_host/data_url.h"
#include "examples/browser_host/message_page.h"
#include "tests/examples/decode/hostile_pictures.h"
#include "tests/examples/painted_sites.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kBare[] = "<body style='margin:0'><style>img{display:block}</style>";

class PageResources : public PaintedSites {
 protected:
  // The picture of a page with this body at https://a.test/page.html.
  ReadPicture Painted(const std::string& body) {
    Write("sites/a/page.html", kBare + body);
    const ProgramResult result = RunOn({folder_ / "sites" / "a"});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    output_ = result.output;
    return PictureOf("a.test-page.html.png");
  }
  std::string output_;
};

TEST_F(PageResources, StyleSheetsOfTheSiteAreApplied) {
  Write("sites/a/css/main.css", "@import 'more.css'; div { height: 30px }");
  Write("sites/a/css/more.css", "div { background: #00f }");
  const ReadPicture picture = Painted("<link rel=stylesheet href=css/main.css><div></div>");
  EXPECT_EQ(picture.height, 30u);
  EXPECT_EQ(picture.At(5, 5), kBlue);
}

TEST_F(PageResources, ImagesAreDecodedInAProcessOfTheirOwn) {
  WritePicture("sites/a/red.png", kRed);
  const ReadPicture picture = Painted("<img src=red.png>");
  EXPECT_EQ(picture.At(19, 9), kRed);
  EXPECT_EQ(picture.At(20, 9), kWhite);
  EXPECT_THAT(output_, ContainsRegex("data-decoder +- +fork +- .* exited with status 0\n"));
}

TEST_F(PageResources, WithoutImagesThereIsNoDecoder) {
  Painted("<p>words</p>");
  EXPECT_THAT(output_, Not(HasSubstr("data-decoder")));
}

TEST_F(PageResources, DataUrlsHaveTheirBytesInThem) {
  WritePicture("blue.png", kBlue);
  std::ifstream file(folder_ / "blue.png");
  const std::string png((std::istreambuf_iterator<char>(file)), {});
  const ReadPicture picture =
      Painted("<img src='data:image/png;base64," + absl::Base64Escape(png) + "'>" +
              "<link rel=stylesheet href='data:text/css,body%7Bbackground:%23008000%7D'>");
  EXPECT_EQ(picture.At(19, 9), kBlue);
  EXPECT_EQ(picture.At(20, 9), kGreen);
}

TEST_F(PageResources, FramesOfPlainTextObeyNoTags) {
  const std::string frame =
      "<iframe style='border: 0; display: block' width=50 height=20 src='data:";
  const std::string content = ",<body style=background:%23008000>'></iframe>";
  const ReadPicture picture =
      Painted(frame + "text/html" + content + frame + "text/plain" + content + frame + content);
  EXPECT_EQ(picture.At(2, 2), kGreen);
  EXPECT_EQ(picture.At(2, 22), kWhite);
  EXPECT_EQ(picture.At(2, 42), kWhite);
}

TEST(DataUrl, SaysItsType) {
  using browser_host::DataUrlType;
  EXPECT_EQ(DataUrlType("data:,a"), "text/plain");
  EXPECT_EQ(DataUrlType("data:;base64,aGVs"), "text/plain");
  EXPECT_EQ(DataUrlType("DATA:Text/HTML;charset=utf-8,a"), "text/html");
  EXPECT_EQ(DataUrlType("data:text/css"), "text/css");
  EXPECT_EQ(DataUrlType("https://a.test/,x"), "");
}

TEST(DataUrl, IsTextOrBase64) {
  using browser_host::DataUrlBytes;
  EXPECT_EQ(*DataUrlBytes("data:,a%20b%"), "a b%");
  EXPECT_EQ(*DataUrlBytes("DATA:text/css;charset=utf-8,p%7B%7d"), "p{}");
  EXPECT_EQ(*DataUrlBytes("data:image/png;base64,aGVs%62G8="), "hello");
  EXPECT_FALSE(DataUrlBytes("data:image/png;base64,a-b?").ok());
  EXPECT_FALSE(DataUrlBytes("data:text/css").ok());
  EXPECT_FALSE(DataUrlBytes("https://a.test/,x").ok());
}

// Of what is left out the page keeps its place, and all else.
TEST_F(PageResources, WhatIsMissingOrBrokenIsLeftOut) {
  WritePicture("sites/a/red.png", kRed);
  Write("sites/a/broken.png", "\x89PNG\r\n\x1a\nand no more");
  Write("sites/a/text.png", "no image at all");
  const ReadPicture picture = Painted(
      "<link rel=stylesheet href=missing.css>"
      "<img src=missing.png><img src=broken.png><img src=text.png><img src='data:,'>"
      "<img src='ftp://a.test/x.png'><img src='http://[/x.png'><img src=red.png>");
  EXPECT_EQ(picture.At(0, 0), kRed);
  // What came and is no picture only the page's process knows.
  EXPECT_THAT(output_, ContainsRegex("  missing   4 of 7 resources, first .*\n"
                                     "  undecoded 3 images, first [^\n]+\n"));
}

TEST_F(PageResources, HowManyAreMissingIsToldWithTheFirst) {
  WritePicture("sites/a/red.png", kRed);
  Painted("<img src=red.png>");
  EXPECT_THAT(output_, AllOf(Not(HasSubstr("  missing   ")), Not(HasSubstr("  undecoded "))));
  Painted("<img src=red.png><img src=more/missing.png>");
  EXPECT_THAT(output_, ContainsRegex("  picture   .*\n  missing   1 of 2 resources, first "
                                     "https://a.test/more/missing.png: open more/missing.png: "
                                     "ENOENT\n"));
  const std::string gallery = folder_ / "gallery.html";
  EXPECT_EQ(Run({"--gallery", gallery, folder_ / "sites" / "a"}).exit_code, 0);
  std::ifstream file(gallery);
  const std::string html((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(html, HasSubstr(" ms; missing: 1 of 2 resources, first https://a.test/more/miss"));
}

TEST_F(PageResources, HostilePicturesCostTheirPageNothingElse) {
  std::string body;
  size_t count = 0;
  for (const browser_host::NamedPicture& hostile : browser_host::HostilePictures()) {
    const std::string name = "hostile" + std::to_string(count++) + ".png";
    Write("sites/a/" + name, std::string(hostile.bytes.begin(), hostile.bytes.end()));
    body += "<img style='position:absolute; left:100px' src=" + name + ">";
  }
  WritePicture("sites/a/red.png", kRed);
  const ReadPicture picture = Painted("<img src=red.png>" + body);
  EXPECT_GT(count, 20u);
  EXPECT_EQ(picture.At(19, 9), kRed);
  EXPECT_THAT(output_, ContainsRegex("data-decoder .* exited with status 0\n"));
}

TEST_F(PageResources, ImagesOfOtherSitesAreShownAndTheirPagesAreNot) {
  WritePicture("sites/b/blue.png", kBlue);
  Write("sites/b/secret.html", "secret");
  Write("sites/b/secret.txt", "secret");
  Write("sites/a/page.html", std::string(kBare) +
                                 "<img src='https://b.test/blue.png'>"
                                 "<img src='https://b.test/secret.html'>"
                                 "<link rel=stylesheet href='https://b.test/secret.txt'>");
  const ProgramResult result = RunOn({folder_ / "sites"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(PictureOf("a.test-page.html.png").At(19, 9), kBlue);
}

// The kernel looks for `..` and for links, and the parent need not.
TEST_F(PageResources, OutsideOfTheSitesFolderThereIsNothing) {
  WritePicture("outside.png", kRed);
  WritePicture("sites/a/inside.png", kBlue);
  std::filesystem::create_symlink(folder_ / "outside.png", folder_ / "sites/a/out.png");
  std::filesystem::create_symlink("inside.png", folder_ / "sites/a/in.png");
  std::filesystem::create_symlink("/dev/zero", folder_ / "sites/a/zero.png");
  ASSERT_EQ(mkfifo((folder_ / "sites/a/pipe.png").c_str(), 0600), 0);
  const ReadPicture picture = Painted(
      "<img src=out.png><img src=../../outside.png><img src='%2e%2e/%2e%2e/outside.png'>"
      "<img src=zero.png><img src=pipe.png><img src=in.png>");
  EXPECT_EQ(picture.At(0, 0), kBlue);
}

TEST_F(PageResources, FilePagesHaveWhatIsBelowWhatWasNamed) {
  WritePicture("outside.png", kRed);
  WritePicture("pages/inside.png", kBlue);
  Write("pages/page.html", std::string(kBare) +
                               "<img src=../outside.png><img src=inside.png>"
                               "<img src='file:///etc/passwd'>");
  const std::string url = "file://" + (folder_ / "pages/page.html").string();
  const std::string beneath = "file://" + (folder_ / "pages").string();
  const ProgramResult result = RunOn({url, beneath});
  const std::string name = folder_.filename().string() + "-pages-page.html.png";
  const std::set<std::string> names = Names();
  const auto file = std::find_if(names.begin(), names.end(),
                                 [&](const std::string& one) { return one.ends_with(name); });
  ASSERT_NE(file, names.end()) << result.output;
  EXPECT_EQ(PictureOf(*file).At(19, 9), kBlue);
}

TEST_F(PageResources, FrameOfAFileThatIsNoPageSaysSo) {
  Write("pages/manual.pdf", "<body style='background:#f00'>");
  Write("pages/page.html",
        std::string(kBare) + "<iframe style='border:0' width=300 height=50 src=manual.pdf>");
  RunOn({"file://" + (folder_ / "pages/page.html").string(),
         "file://" + (folder_ / "pages").string()});
  const std::set<std::string> names = Names();
  const auto file = std::find_if(names.begin(), names.end(), [](const std::string& one) {
    return one.ends_with("-pages-page.html.png");
  });
  ASSERT_NE(file, names.end());
  EXPECT_EQ(PictureOf(*file).At(290, 40), 0xfff4f4f4u);
}

TEST_F(PageResources, PagesOfTheWebHaveNoFiles) {
  const std::string file = WritePicture("outside.png", kRed);
  EXPECT_EQ(Painted("<img src='file://" + file + "'>words").At(0, 0), kWhite);
}

TEST_F(PageResources, AsManyAsAPageMayNameAreLoaded) {
  std::string body;
  for (int i = 0; i < 200; ++i) {
    const std::string name = std::to_string(i) + ".png";
    WritePicture("sites/a/" + name, i == 199 ? kBlue : kRed, 1, 1);
    body += "<img src=" + name + ">";
  }
  const ReadPicture picture = Painted(body);
  EXPECT_EQ(picture.height, 200u);
  EXPECT_EQ(picture.At(0, 0), kRed);
  EXPECT_EQ(picture.At(0, 199), kBlue);
}

TEST(MessagePage, HasNoMarkupOfOthers) {
  const std::string page = browser_host::MessagePage(
      {.title = "<b>", .url = "https://a.test/\"><script>", .text = "a & b\n", .note = "'"});
  EXPECT_THAT(page, AllOf(HasSubstr("<h1>&lt;b&gt;</h1>"), HasSubstr("a &amp; b\\x0a"),
                          HasSubstr("&quot;&gt;&lt;script&gt;"), Not(HasSubstr("<script>"))));
}

}  // namespace
}  // namespace forkserver::testing
