#include "examples/browser_host/paint/painter.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "examples/browser_host/paint/lent_tree.h"
#include "examples/browser_host/paint/master_style.h"

namespace browser_host {
namespace {

constexpr int kMostWidth = 10'000;
constexpr size_t kLargePage = 65'536;  // bytes

absl::Status CheckOptions(const PaintOptions& options) {
  const auto check = [](const char* what, double value, double least, double most) {
    if (value >= least && value <= most) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("paint ", what, " ", value, ": not ", least, " to ", most));
  };
  absl::Status status = check("width", options.width, 1, kMostWidth);
  status.Update(check("height", options.height, 1, kMostWidth));
  status.Update(check("most height", options.most_height, 1, kMostPixelsOfASide));
  status.Update(check("scale", options.scale, 0.1, 4));
  return status;
}

PageRect RectOf(const litehtml::position& box) {
  return {
      .x = box.x, .y = box.y, .width = std::max(0, box.width), .height = std::max(0, box.height)};
}

bool IsShown(const litehtml::element& element) {
  if (!element.is_visible()) return false;
  for (litehtml::element::ptr up = element.parent(); up != nullptr; up = up->parent()) {
    if (up->get_display() == litehtml::display_none) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PagePainter>> PagePainter::Create(const PageSource& source,
                                                                 const PaintOptions& options,
                                                                 const PaintBounds& bounds) {
  absl::StatusOr<ParsedPage> page = ParsedPage::Parse(source.html, bounds);
  if (!page.ok()) return page.status();
  return Create(*std::move(page), source.url, options, bounds);
}

absl::StatusOr<std::unique_ptr<PagePainter>> PagePainter::Create(ParsedPage page, std::string url,
                                                                 const PaintOptions& options,
                                                                 const PaintBounds& bounds) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  if (absl::Status status = page.Check(bounds); !status.ok()) return status;
  const absl::StatusOr<Fonts*> fonts = Fonts::OfThisProcess();
  if (!fonts.ok()) return fonts.status();
  return std::unique_ptr<PagePainter>(
      new PagePainter(std::move(page), std::move(url), options, bounds, **fonts));
}

PagePainter::PagePainter(ParsedPage page, std::string url, const PaintOptions& options,
                         const PaintBounds& bounds, Fonts& fonts)
    : page_(std::move(page)),
      url_(std::move(url)),
      options_(options),
      bounds_(bounds),
      work_(bounds.time, bounds.since),
      resources_(bounds_),
      container_(fonts, resources_, work_, bounds_, options.width, options.height) {}

PagePainter::~PagePainter() = default;

template <typename Work>
absl::Status PagePainter::Bounded(const Work& work) {
  if (!refused_.ok()) return refused_;
  work_.Begin();
  try {
    work();
    return absl::OkStatus();
  } catch (const PageRefused& refused) {
    refused_ = absl::ResourceExhaustedError(refused.why);
  } catch (const std::exception& error) {
    // litehtml's own: it cut a text behind its end, say.
    refused_ = absl::InvalidArgumentError(absl::StrCat("page stops litehtml: ", error.what()));
  }
  return refused_;
}

absl::Status PagePainter::SupplyStyleSheet(const std::string& url, std::string_view css) {
  absl::Status supplied = resources_.SupplyStyleSheet(url, css);
  if (supplied.ok()) has_new_style_sheets_ = true;
  return supplied;
}

absl::Status PagePainter::SupplyImage(const std::string& url, Pixels pixels) {
  return resources_.SupplyImage(url, std::move(pixels));
}

absl::Status PagePainter::Layout() {
  if (!refused_.ok()) return refused_;
  if (document_ != nullptr && has_new_style_sheets_) {
    document_ = nullptr;
    page_.DropTree();
    // litehtml has cut the names of tags out of it that are none of HTML's.
    absl::StatusOr<ParsedPage> again = ParsedPage::Parse(page_.html(), bounds_);
    if (!again.ok()) return refused_ = again.status();
    page_ = *std::move(again);
  }
  return Bounded([this] {
    if (document_ == nullptr) {
      container_.BeginDocument(url_);
      const LentTree lent(page_);
      document_ =
          litehtml::document::createFromUTF8(page_.html().c_str(), &container_, &MasterStyle());
      // Of a small page it takes as long as it is worth.
      if (page_.html().size() > kLargePage) page_.DropTree();
      has_new_style_sheets_ = false;
    }
    document_->render(options_.width);
  });
}

int PagePainter::pixel_width() const {
  return static_cast<int>(std::lround(options_.width * options_.scale));
}

int PagePainter::pixel_height() const {
  if (document_ == nullptr) return 1;
  const int height = std::clamp(document_->height(), 1, options_.most_height);
  return std::clamp(static_cast<int>(std::lround(height * options_.scale)), 1, kMostPixelsOfASide);
}

std::vector<PageFrame> PagePainter::frames() const {
  std::vector<PageFrame> frames;
  if (document_ == nullptr) return frames;
  for (const litehtml::element::weak_ptr& frame : container_.notes().frames) {
    const litehtml::element::ptr element = frame.lock();
    if (element == nullptr || !IsShown(*element)) continue;
    const char* src = element->get_attr("src");
    frames.push_back({.url = src != nullptr ? container_.Resolve(src) : "",
                      .rect = RectOf(element->get_placement())});
  }
  return frames;
}

std::vector<PageLink> PagePainter::links() const {
  std::vector<PageLink> links;
  if (document_ == nullptr) return links;
  for (const litehtml::element::weak_ptr& anchor : container_.notes().links) {
    const litehtml::element::ptr element = anchor.lock();
    if (element == nullptr || !IsShown(*element)) continue;
    PageLink link = {.url = container_.Resolve(element->get_attr("href", "")), .rects = {}};
    litehtml::position place = element->get_placement();
    if (element->get_display() == litehtml::display_inline) {
      // Its boxes are told relative to the block that it is in.
      const litehtml::position own = element->get_position();
      litehtml::position::vector boxes;
      element->get_inline_boxes(boxes);
      for (litehtml::position& box : boxes) {
        box.x += place.x - own.x;
        box.y += place.y - own.y;
        link.rects.push_back(RectOf(box));
      }
    } else {
      place += element->get_paddings();
      place += element->get_borders();
      link.rects.push_back(RectOf(place));
    }
    links.push_back(std::move(link));
  }
  return links;
}

absl::Status PagePainter::PaintInto(const Canvas& canvas) {
  if (document_ == nullptr) return absl::FailedPreconditionError("page is not laid out");
  if (canvas.argb == nullptr || canvas.width < 1 || canvas.height < 1 ||
      canvas.width > kMostPixelsOfASide || canvas.height > kMostPixelsOfASide ||
      canvas.stride % 4 != 0 || canvas.stride / 4 < static_cast<size_t>(canvas.width) ||
      canvas.stride > kMostPixelsOfASide * size_t{4}) {
    return absl::InvalidArgumentError(absl::StrCat("canvas of ", canvas.width, " by ",
                                                   canvas.height, " pixels, ", canvas.stride,
                                                   " bytes a row"));
  }
  cairo_surface_t* surface = cairo_image_surface_create_for_data(
      reinterpret_cast<unsigned char*>(canvas.argb), CAIRO_FORMAT_ARGB32, canvas.width,
      canvas.height, static_cast<int>(canvas.stride));
  cairo_t* cairo = cairo_create(surface);
  if (!canvas.is_white) {
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
  }
  cairo_scale(cairo, options_.scale, options_.scale);
  absl::Status painted = Bounded([&] {
    const int width = static_cast<int>(std::ceil(canvas.width / options_.scale));
    const int height =
        std::min(static_cast<int>(std::ceil(canvas.height / options_.scale)), options_.most_height);
    container_.BeginDrawing(width, height);
    const litehtml::position clip(0, 0, width, height);
    document_->draw(reinterpret_cast<litehtml::uint_ptr>(cairo), 0, 0, &clip);
  });
  if (const cairo_status_t status = cairo_status(cairo);
      painted.ok() && status != CAIRO_STATUS_SUCCESS) {
    painted = absl::InternalError(absl::StrCat("cairo: ", cairo_status_to_string(status)));
  }
  cairo_destroy(cairo);
  cairo_surface_destroy(surface);
  return painted;
}

}  // namespace browser_host
