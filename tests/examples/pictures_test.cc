// The pictures that the browser host writes of pages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "examples/browser_host/picture_folder.h"
#include "tests/examples/painted_sites.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

class Pictures : public PaintedSites {};

TEST_F(Pictures, HaveWhatThePageSays) {
  Write("sites/a/box.html",
        "<body style='margin:0; background:#00f'>"
        "<div style='width:100px; height:50px; background:#f00'></div>"
        "<div style='height:20px'></div>");
  const ProgramResult result = RunOn({folder_ / "sites"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("  picture   a.test-box.html.png, 800 by 70, painted in "));
  const ReadPicture picture = PictureOf("a.test-box.html.png");
  ASSERT_EQ(picture.width, 800u);
  EXPECT_EQ(picture.At(0, 0), 0xffff0000u);
  EXPECT_EQ(picture.At(99, 49), 0xffff0000u);
  EXPECT_EQ(picture.At(100, 49), 0xff0000ffu);
  EXPECT_EQ(picture.At(99, 50), 0xff0000ffu);
  EXPECT_EQ(picture.At(799, 69), 0xff0000ffu);
}

// In the sandbox, where no font can be opened.
TEST_F(Pictures, HaveTextOfEachKind) {
  Write("sites/a/text.html",
        "<body style='margin:0; font-size:40px'><div>Words</div><div><b>Words</b></div>"
        "<div><i>Words</i></div><div><tt>Words</tt></div>"
        "<div style='font-family:sans-serif'>Words</div><div>\xce\x91\xd0\xaf</div>");
  const ProgramResult result = RunOn({folder_ / "sites"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("layers"));
  const ReadPicture picture = PictureOf("a.test-text.html.png");
  // Each of six lines has black in it; which of them is whose depends on the fonts.
  size_t lines = 0;
  bool was_dark = false;
  for (uint32_t y = 0; y < picture.height; ++y) {
    const auto row = picture.argb.begin() + static_cast<ptrdiff_t>(size_t{y} * picture.width);
    const bool is_dark =
        std::any_of(row, row + picture.width, [](uint32_t argb) { return argb == 0xff000000u; });
    lines += is_dark && !was_dark;
    was_dark = is_dark;
  }
  EXPECT_GE(lines, 6u);
}

TEST_F(Pictures, OfEachPageThatShipsWithItAreThere) {
  const ProgramResult result = RunOn({Pages()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(Names().size(), 26u);
  EXPECT_THAT(result.output, Not(HasSubstr("picture   none")));
}

TEST_F(Pictures, OfTwoPagesOfOneNameAreTwo) {
  Write("sites/a/b-c.html", "<title>1</title>");
  Write("sites/a/b/c.html", "<title>2</title>");
  Write("sites/a/..%2f.html", "<title>3</title>");
  const ProgramResult result = RunOn({folder_ / "sites"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(Names(), (std::set<std::string>{"a.test-..-252f.html.png", "a.test-b-c.html-2.png",
                                            "a.test-b-c.html.png"}));
}

TEST_F(Pictures, NamesAreNeverGivenTwice) {
  absl::StatusOr<browser_host::PictureFolder> folder = browser_host::PictureFolder::Make(Folder());
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->NameFor("https://a.test/x"), "a.test-x.png");
  EXPECT_EQ(folder->NameFor("https://a.test/x?"), "a.test-x-2.png");
  EXPECT_EQ(folder->NameFor("https://a.test/x/2"), "a.test-x-2-2.png");
}

TEST_F(Pictures, GalleryTakesNoDevicesPlace) {
  Write("sites/a/page.html", "<title>page</title>");
  const std::string link = folder_ / "link.html";
  std::filesystem::create_symlink("/dev/null", link);
  const ProgramResult result = Run({"--gallery", link, "--pictures", Folder(), folder_ / "sites"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("write " + link + ": it is there, and no file\n"),
                                   Not(HasSubstr("wrote " + link))));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(Run({"--print-prefs", "--gallery", folder_ / "g.html"}).exit_code, 2);
}

// It is read all the same.
TEST_F(Pictures, PageBeyondTheBoundsIsAnErrorWithAPageInItsPlace) {
  std::string deep = "<title>deep</title>";
  for (int i = 0; i < 1000; ++i) deep += "<div>";
  Write("sites/a/deep.html", deep);
  const ProgramResult result = RunOn({folder_ / "sites"});
  ASSERT_EQ(result.exit_code, 1) << result.errors;
  const std::string error = "not painted: page nests more than 400 elements";
  EXPECT_THAT(result.output, HasSubstr("https://a.test/deep.html\n  error     " + error +
                                       "\n  title     deep\n  headings  0\n"));
  EXPECT_THAT(result.output, HasSubstr("  picture   a.test-deep.html.png, 800 by "));
  EXPECT_THAT(Lines(result.errors), IsSupersetOf({"https://a.test/deep.html: " + error,
                                                  std::string("1 of 1 page has an error")}));
  // As a page that is not loaded has one.
  EXPECT_EQ(PictureOf("a.test-deep.html.png").At(0, 0), 0xfff4f4f4);
}

TEST_F(Pictures, ThatAreCutSaySo) {
  const auto tall = [](int height) {
    return "<body style='margin:0'><div style='height:" + std::to_string(height) + "px'>x</div>";
  };
  for (const int height : {10'000, 10'001, 31'999, 32'000, 40'000}) {
    Write("sites/a/" + std::to_string(height) + ".html", tall(height));
  }
  // Its frame is cut as frames are, which is nothing to tell.
  Write("sites/a/frame.html", "<iframe height=50 src=40000.html></iframe>");
  const std::string gallery = folder_ / "gallery.html";
  const ProgramResult result = Run({"--gallery", gallery, folder_ / "sites"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(
      result.output,
      AllOf(HasSubstr("10000.html.png, 800 by 10000, painted in "),
            HasSubstr("10001.html.png, 800 by 10000, cut: the page is 10001 high, painted"),
            HasSubstr("31999.html.png, 800 by 10000, cut: the page is 31999 high, "),
            HasSubstr("32000.html.png, 800 by 10000, cut: the page is 32000 or more high, "),
            HasSubstr("40000.html.png, 800 by 10000, cut: the page is 32000 or more high, "),
            ContainsRegex("frame.html.png, 800 by [0-9]+, painted in ")));
  std::ifstream file(gallery);
  const std::string html((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(html, HasSubstr("800 by 10000, cut: the page is 10001 high, painted in "));
}

TEST_F(Pictures, GalleryHasThemAllAndNoMarkupOfTheirs) {
  Write("sites/a/good.html", "<title>&lt;script>alert(1)&lt;/script></title>words");
  std::string deep = "<title>deep</title>";
  for (int i = 0; i < 1000; ++i) deep += "<div>";
  Write("sites/b/deep.html", deep);
  const std::string gallery = folder_ / "gallery.html";
  const ProgramResult result = Run({"--gallery", gallery, folder_ / "sites"});
  ASSERT_EQ(result.exit_code, 1) << result.errors;
  std::ifstream file(gallery);
  const std::string html((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(html, AllOf(HasSubstr("<img src=\"gallery.html.pictures/a.test-good.html.png\""),
                          HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"),
                          Not(HasSubstr("<script>")), HasSubstr("https://b.test/deep.html"),
                          HasSubstr("not painted: page nests more than "),
                          HasSubstr("<td>webIsolated=https://a.test<td>")));
  EXPECT_TRUE(std::filesystem::exists(gallery + ".pictures/a.test-good.html.png"));
  const ProgramResult failed = Run({"--gallery", folder_ / "no/gallery.html", folder_ / "sites"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.errors, HasSubstr("/no: ENOENT\n"));
}

TEST_F(Pictures, WhereTheyAreIsSaid) {
  Write("sites/a/one.html", "<title>1</title>");
  Write("sites/a/two.html", "<title>2</title>");
  const std::string gallery = folder_ / "gallery.html";
  const auto wrote = [&](std::vector<std::string> arguments) {
    arguments.push_back(folder_ / "sites");
    const ProgramResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    std::vector<std::string> lines = Lines(result.errors);
    std::erase_if(lines, [](const std::string& line) { return !line.starts_with("wrote "); });
    return lines;
  };
  EXPECT_THAT(wrote({}), IsEmpty());
  EXPECT_THAT(wrote({"--pictures", Folder()}), ElementsAre("wrote 2 pictures to " + Folder()));
  EXPECT_THAT(wrote({"--gallery", gallery}),
              ElementsAre("wrote 2 pictures to " + gallery + ".pictures", "wrote " + gallery));
}

// Each is let go of when it is written.
TEST_F(Pictures, OfManyPagesTakeNoDescriptors) {
  for (int i = 0; i < 300; ++i) Write("sites/a/" + std::to_string(i) + ".html", "<p>x");
  const ProgramResult result = RunProgram({"/bin/sh", "-c", "ulimit -n 128; exec \"$@\"", "sh",
                                           kProgram, "--pictures", Folder(), folder_ / "sites"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(Names().size(), 300u);
}

// Nothing has been launched then.
TEST_F(Pictures, FolderThatIsNoneIsAnErrorBeforeAnyPage) {
  const std::string page = Write("sites/a/page.html", "<title>page</title>");
  const std::string gallery = folder_ / "no/gallery.html";
  const auto fails_with = [&](std::vector<std::string> arguments, const std::string& error) {
    arguments.push_back(folder_ / "sites");
    const ProgramResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.output, "");
    EXPECT_EQ(result.errors, "browser_host: " + error + "\n");
  };
  fails_with({"--pictures", "/no/such/folder"}, "mkdir /no/such/folder: ENOENT");
  fails_with({"--pictures", page}, "access " + page + ": ENOTDIR");
  const std::string error = "gallery: access " + (folder_ / "no").string() + ": ENOENT";
  fails_with({"--gallery", gallery}, error);
  fails_with({"--gallery", gallery, "--pictures", Folder()}, error);
  EXPECT_FALSE(std::filesystem::exists(Folder()));
  fails_with({"--gallery", page + "/gallery.html"}, "gallery: access " + page + ": ENOTDIR");
  const std::string folder = folder_ / "sites";
  fails_with({"--gallery", folder}, "gallery: write " + folder + ": it is there, and no file");
  fails_with({"--gallery", folder + "/"},
             "gallery: write " + folder + "/: it is there, and no file");
  const std::string fifo = folder_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  fails_with({"--gallery", fifo}, "gallery: write " + fifo + ": it is there, and no file");
  EXPECT_FALSE(std::filesystem::exists(fifo + ".pictures"));
}

// Of which it is not known before.
TEST_F(Pictures, FolderThatCannotBeWrittenIsAnErrorAndNoPageIsLost) {
  Write("sites/a/page.html", "<title>page</title>");
  const ProgramResult proc = Run({"--pictures", "/proc", folder_ / "sites"});
  EXPECT_EQ(proc.exit_code, 1);
  EXPECT_THAT(proc.output,
              AllOf(HasSubstr("  title     page\n"), HasSubstr("  picture   none: open /proc/")));
  EXPECT_THAT(proc.errors,
              AllOf(HasSubstr("browser_host: open /proc/a.test-page.html.png.new: ENOENT\n"),
                    Not(HasSubstr("wrote "))));
}

// As a shell has them: /dev/full, and a pipe that nobody reads.
TEST_F(Pictures, AreThereWhateverBecomesOfStdout) {
  Write("sites/a/page.html", "<title>page</title>");
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const struct {
    std::string name, redirect, error;
  } kOutputs[] = {{"full", "exec >/dev/full", "write to stdout: ENOSPC\n"},
                  {"gone", "exec 3<>" + pipe + " >" + pipe + " 3<&-", "write to stdout: EPIPE\n"}};
  for (const auto& output : kOutputs) {
    SCOPED_TRACE(output.name);
    const std::string gallery = folder_ / (output.name + ".html");
    const std::string telemetry = folder_ / (output.name + ".json");
    const ProgramResult result =
        RunProgram({"/bin/sh", "-c", output.redirect + "; exec \"$@\"", "sh", kProgram, "--gallery",
                    gallery, "--telemetry", telemetry, (folder_ / "sites").string()});
    EXPECT_EQ(result.exit_code, 1) << result.how;
    EXPECT_THAT(result.errors, AllOf(HasSubstr("browser_host: " + output.error),
                                     HasSubstr("wrote " + gallery + "\n"),
                                     HasSubstr("wrote " + telemetry + "\n")));
    EXPECT_TRUE(std::filesystem::exists(gallery));
    EXPECT_TRUE(std::filesystem::exists(gallery + ".pictures/a.test-page.html.png"));
    EXPECT_GT(std::filesystem::file_size(telemetry), 0u);
  }
}

// In KiB, of the only content process.
uint64_t PrivateMemoryOfContent(const std::string& output) {
  std::smatch found;
  const std::regex row(" content +web[^\n]* ([0-9]+) KiB");
  if (std::regex_search(output, found, row)) return std::stoull(found[1]);
  ADD_FAILURE() << output;
  return 0;
}

TEST_F(Pictures, ProcessGivesBackWhatAHeavyPageTook) {
  for (const std::string name : {"b", "c"}) Write("light/a/" + name + ".html", "<h1>light</h1>");
  for (const std::string name : {"b", "c"}) Write("heavy/a/" + name + ".html", "<h1>light</h1>");
  // Each <b> is opened again in each of the paragraphs.
  std::string html = "<p>";
  for (int i = 0; i < 300; ++i) html += "<b id=" + std::to_string(i) + ">";
  for (int i = 0; i < 1000; ++i) html += "<p>x";
  Write("heavy/a/a.html", html);
  const ProgramResult heavy = RunOn({folder_ / "heavy"});
  EXPECT_THAT(heavy.output, HasSubstr("page has more than 150000 elements"));
  const ProgramResult light = RunOn({folder_ / "light"});
  EXPECT_LT(PrivateMemoryOfContent(heavy.output), PrivateMemoryOfContent(light.output) + 16 * 1024);
}

}  // namespace
}  // namespace forkserver::testing
