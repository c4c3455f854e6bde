// Which memory a page's picture is in.
#include "examples/browser_host/page_picture.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "examples/browser_host/compose/canvas.h"
#include "examples/browser_host/compose/picture.h"
#include "examples/browser_host/paint/parsed_page.h"
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
  EXPECT_EQ(ftruncate(canvas->get(), kCanvasBytes), 0);
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
  painter.Begin(*std::move(page), "https://a.test/", size, std::move(canvas), absl::Seconds(5),
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

}  // namespace
}  // namespace browser_host
