// Which memory a page's picture is in.
#include "examples/browser_host/page_picture.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "examples/browser_host/compose/canvas.h"
#include "examples/browser_host/compose/picture.h"
#include "examples/browser_host/page_times.h"
#include "examples/browser_host/paint/parsed_page.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/sealed_memfd.h"
#include "transceiver/unique_fd.h"

namespace browser_host {
namespace {

using forkserver::EventLoop;
using forkserver::UniqueFd;

constexpr char kPage[] = "<h1>Title</h1><p style='height: 600px; background: #ddf'>Text</p>";

UniqueFd NewCanvas() {
  absl::StatusOr<UniqueFd> canvas = forkserver::CreateMemfd("canvas");
  // White, as CanvasPool gives them.
  const std::string white(kCanvasBytes, '\xff');
  EXPECT_EQ(write(canvas->get(), white.data(), white.size()), static_cast<ssize_t>(white.size()));
  return *std::move(canvas);
}

ino_t FileOf(int fd) {
  struct stat status = {};
  EXPECT_EQ(fstat(fd, &status), 0);
  return status.st_ino;
}

PagePicture Paint(const PictureSize& size, UniqueFd canvas) {
  const absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  EXPECT_TRUE(loop.ok()) << loop.status();
  PicturePainter painter(**loop, PageNeeds());
  std::optional<absl::StatusOr<PagePicture>> painted;
  absl::StatusOr<ParsedPage> page = ParsedPage::Parse(kPage, PaintBounds());
  EXPECT_TRUE(page.ok()) << page.status();
  painter.Begin(*std::move(page), "https://a.test/", size, std::move(canvas), PageTimes(),
                [&](absl::StatusOr<PagePicture> picture) { painted = std::move(picture); });
  EXPECT_TRUE(painted && painted->ok());
  return *std::move(*painted);
}

Picture Map(const PagePicture& picture) {
  absl::StatusOr<Picture> mapped =
      Picture::Map(picture.pixels.get(), picture.width, picture.height);
  EXPECT_TRUE(mapped.ok()) << mapped.status();
  return *std::move(mapped);
}

TEST(PagePicture, IsOnTheCanvasAndTheSameAsOnMemoryOfItsOwn) {
  UniqueFd canvas = NewCanvas();
  const ino_t file = FileOf(canvas.get());
  const PagePicture on_canvas = Paint({.width = 800}, std::move(canvas));
  EXPECT_EQ(FileOf(on_canvas.pixels.get()), file);
  const PagePicture on_own = Paint({.width = 800}, UniqueFd());
  const Picture one = Map(on_canvas);
  const Picture other = Map(on_own);
  EXPECT_GT(one.height(), 600u);
  EXPECT_EQ(one.height(), other.height());
  EXPECT_TRUE(
      std::equal(one.argb().begin(), one.argb().end(), other.argb().begin(), other.argb().end()));
}

TEST(PagePicture, IsOnMemoryOfItsOwnWhereACanvasIsTooSmallOrTooLarge) {
  for (const PictureSize& size :
       {PictureSize{.width = 300, .height = 200}, PictureSize{.width = 2000, .height = 1000}}) {
    SCOPED_TRACE(size.width);
    UniqueFd canvas = NewCanvas();
    const ino_t file = FileOf(canvas.get());
    const PagePicture picture = Paint(size, std::move(canvas));
    EXPECT_NE(FileOf(picture.pixels.get()), file);
    EXPECT_EQ(Map(picture).argb().size(), size_t{size.width} * size.height);
  }
}

constexpr PageTimes kShort = {.resources = absl::Milliseconds(100),
                              .frames = absl::Milliseconds(200),
                              .frames_work = absl::Seconds(1),
                              .work = absl::Seconds(30)};

// Takes for ever.
std::string NestedTables() {
  std::string html;
  for (int i = 0; i < 60; ++i) html += "<table><tr><td>";
  return html + "x";
}

absl::StatusOr<PagePicture> PaintIn(const PageTimes& times, const std::string& html,
                                    PageNeeds needs = {}) {
  const absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  EXPECT_TRUE(loop.ok()) << loop.status();
  PicturePainter painter(**loop, std::move(needs));
  std::optional<absl::StatusOr<PagePicture>> painted;
  absl::StatusOr<ParsedPage> page = ParsedPage::Parse(html, PaintBounds());
  EXPECT_TRUE(page.ok()) << page.status();
  painter.Begin(*std::move(page), "https://a.test/", {.width = 800}, UniqueFd(), times,
                [&](absl::StatusOr<PagePicture> picture) { painted = std::move(picture); });
  while (!painted) (*loop)->Run(forkserver::kNever);
  return *std::move(painted);
}

// Whose documents are there at once.
PageNeeds FramesAre(std::function<absl::StatusOr<FrameContent>(const std::string& url)> content) {
  return {.frame = [content = std::move(content)](const std::string& url, const PageRect&,
                                                  const PageNeeds::FrameCallback& callback) {
    callback(content(url));
  }};
}

std::string Frames(const std::vector<std::string>& names) {
  std::string html =
      "<style>body { margin: 0; background: #0f0 } "
      "iframe { display: block; width: 300px; height: 100px; border: 0 }</style>";
  for (const std::string& name : names) html += "<iframe src=" + name + "></iframe>";
  return html;
}

uint32_t At(const Picture& picture, uint32_t x, uint32_t y) {
  return picture.argb()[size_t{y} * picture.width() + x];
}

constexpr uint32_t kGreen = 0xff00ff00;
constexpr uint32_t kBlue = 0xff0000ff;
constexpr uint32_t kMessage = 0xfff4f4f4;  // message_page.cc's background

TEST(PagePicture, IsThereWithoutFramesThatTakeTooLong) {
  for (const char* const slow : {"slow", "slow-to-parse"}) {
    SCOPED_TRACE(slow);
    int asked = 0;
    const absl::StatusOr<PagePicture> painted =
        PaintIn(kShort, Frames({"blue", slow, slow, slow, slow, slow, slow, "blue"}),
                FramesAre([&](const std::string& url) -> absl::StatusOr<FrameContent> {
                  ++asked;
                  if (url == "https://a.test/blue") {
                    return FrameContent{.url = url, .html = "<body style='background: #00f'>"};
                  }
                  if (url == "https://a.test/slow")
                    return FrameContent{.url = url, .html = NestedTables()};
                  // Each <b> is opened again in each of the paragraphs.
                  std::string html = "<p>";
                  for (int i = 0; i < 1000; ++i) html += "<b id=" + std::to_string(i) + ">";
                  for (int i = 0; i < 2000; ++i) html += "<p>x";
                  return FrameContent{.url = url, .html = html};
                }));
    ASSERT_TRUE(painted.ok()) << painted.status();
    EXPECT_EQ(asked, 8);
    EXPECT_LT(painted->nanos, uint64_t{4'000'000'000}) << "a time for each of the six";
    const Picture picture = Map(*painted);
    EXPECT_EQ(At(picture, 150, 50), kBlue);
    EXPECT_EQ(At(picture, 295, 195), kMessage);
    EXPECT_EQ(At(picture, 295, 695), kMessage);
    EXPECT_EQ(At(picture, 150, 750), kBlue) << "it takes no time";
    EXPECT_EQ(At(picture, 500, 50), kGreen);
  }
}

TEST(PagePicture, SaysInAFramesBoxWhyItIsNotThere) {
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "<div>";
  const absl::StatusOr<PagePicture> painted =
      PaintIn(PageTimes(), Frames({"gone", "deep", "wide"}),
              FramesAre([&](const std::string& url) -> absl::StatusOr<FrameContent> {
                if (url == "https://a.test/gone") return absl::NotFoundError("no such thing");
                if (url == "https://a.test/deep") return FrameContent{.url = url, .html = deep};
                return FrameContent{.html = std::string(PaintBounds().html_bytes + 1, ' ')};
              }));
  ASSERT_TRUE(painted.ok()) << painted.status();
  const Picture picture = Map(*painted);
  for (const uint32_t y : {95, 195, 295}) EXPECT_EQ(At(picture, 295, y), kMessage) << y;
}

TEST(PagePicture, IsRefusedWhereThePageTakesTooLongItself) {
  const absl::StatusOr<PagePicture> painted = PaintIn(
      {.frames_work = absl::Milliseconds(200), .work = absl::Milliseconds(300)}, NestedTables());
  EXPECT_EQ(painted.status().message(), "page takes longer than 300 ms");
}

TEST(PagePicture, HasItsTimeFromWhenItWasToBeLoaded) {
  const int64_t begin = forkserver::NowNanos();
  const absl::StatusOr<PagePicture> painted =
      PaintIn({.begin = begin - 40 * forkserver::kNanosPerSecond, .work = absl::Seconds(41)},
              NestedTables());
  EXPECT_EQ(painted.status().message(), "page takes longer than 41000 ms");
  EXPECT_LT(forkserver::NowNanos() - begin, 20 * forkserver::kNanosPerSecond);
  EXPECT_TRUE(PaintIn({.begin = 1}, "<p>x").ok()) << "it takes no time";
}

}  // namespace
}  // namespace browser_host
