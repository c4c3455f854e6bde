#include "examples/browser_host/page_painting.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "examples/browser_host/message_page.h"

namespace browser_host {
namespace {

// The part of `box` that is on a page of that size.
PageRect Clipped(const PageRect& box, int width, int height) {
  const int right = std::min(box.x + box.width, width);
  const int bottom = std::min(box.y + box.height, height);
  return {.x = box.x,
          .y = box.y,
          .width = std::max(0, right - box.x),
          .height = std::max(0, bottom - box.y)};
}

bool IsOn(const PageRect& box) {
  return box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0;
}

PaintOptions OptionsOfFrame(int width, int height) {
  return {.width = width, .height = height, .most_height = height};
}

// In its place. The time of frames may be over by then: a message is small and has one of its own.
void PaintFailure(const absl::Status& why, const Canvas& canvas) {
  const std::string text(why.message());
  const std::string html = MessagePage({.title = "Frame not loaded", .text = text});
  const auto page = PagePainter::Create({.html = html}, OptionsOfFrame(canvas.width, canvas.height),
                                        {.time = std::chrono::seconds(1)});
  if (page.ok() && (*page)->Layout().ok()) (*page)->PaintInto(canvas).IgnoreError();
}

}  // namespace

PagePainting::PagePainting(const PageNeeds& needs, FrameAllowance& allowance, int depth)
    : needs_(needs), allowance_(allowance), depth_(depth) {}

PagePainting::~PagePainting() { *alive_ = false; }

template <typename Callback>
auto PagePainting::WhileAlive(Callback callback) {
  return [alive = alive_, callback = std::move(callback)](auto&& result) {
    if (*alive) callback(std::forward<decltype(result)>(result));
  };
}

void PagePainting::Begin(ParsedPage parsed, std::string url, const PaintOptions& options,
                         const PaintBounds& bounds,
                         std::function<void(absl::Status ready)> on_ready) {
  options_ = options;
  on_ready_ = std::move(on_ready);
  // Whole, or nobody would know that it is cut.
  PaintOptions whole = options;
  whole.most_height = kMostPixelsOfASide;
  auto painter = PagePainter::Create(std::move(parsed), std::move(url), whole, bounds);
  if (!painter.ok()) return Finish(painter.status());
  painter_ = *std::move(painter);
  LayOut();
}

void PagePainting::LayOut() {
  if (absl::Status laid_out = painter_->Layout(); !laid_out.ok()) return Finish(laid_out);
  const std::vector<NeededResource> needed = painter_->TakeNeeded();
  if (needed.empty() || resources_are_over_) {
    resources_are_over_ = true;
    return BeginFrames();
  }
  awaited_ = 1;
  for (const NeededResource& one : needed) Need(one);
  OnArrival();
}

void PagePainting::Need(const NeededResource& needed) {
  ++awaited_;
  if (needed.kind == ResourceKind::kStyleSheet) {
    return needs_.style_sheet(
        needed.url, WhileAlive([this, url = needed.url](absl::StatusOr<std::string> text) {
          // What is beyond a bound is as what did not come.
          if (text.ok()) painter_->SupplyStyleSheet(url, *text).IgnoreError();
          OnArrival();
        }));
  }
  needs_.image(needed.url, WhileAlive([this, url = needed.url](absl::StatusOr<Pixels> pixels) {
                 if (pixels.ok()) painter_->SupplyImage(url, *std::move(pixels)).IgnoreError();
                 OnArrival();
               }));
}

void PagePainting::OnArrival() {
  if (resources_are_over_ || --awaited_ > 0) return;
  LayOut();
}

void PagePainting::StopWaitingForResources() {
  if (on_ready_ == nullptr || std::exchange(resources_are_over_, true)) return;
  LayOut();
}

void PagePainting::StopWaiting() {
  if (on_ready_ == nullptr || std::exchange(has_stopped_waiting_, true)) return;
  resources_are_over_ = true;
  if (!frames_have_begun_) return LayOut();
  for (Frame& frame : frames_) {
    if (frame.page != nullptr) frame.page->StopWaiting();
  }
  // Of frames whose document has not come nothing will say so.
  Finish(absl::OkStatus());
}

void PagePainting::BeginFrames() {
  frames_have_begun_ = true;
  if (has_stopped_waiting_ || depth_ >= allowance_.depth) return Finish(absl::OkStatus());
  std::vector<std::string> urls;
  for (PageFrame& frame : painter_->frames()) {
    const PageRect rect = Clipped(frame.rect, width(), height());
    if (frame.url.empty() || !IsOn(rect) || allowance_.frames == 0) continue;
    --allowance_.frames;
    frames_.push_back({.rect = rect});
    urls.push_back(std::move(frame.url));
  }
  awaited_ = 1 + frames_.size();
  for (size_t i = 0; i < urls.size(); ++i) {
    needs_.frame(urls[i], frames_[i].rect,
                 WhileAlive([this, i](auto content) { OnFrame(i, std::move(content)); }));
  }
  OnFrameReady();
}

void PagePainting::OnFrame(size_t index, absl::StatusOr<FrameContent> content) {
  if (has_stopped_waiting_) return;
  Frame& frame = frames_[index];
  if (content.ok() && content->layer != 0) {
    frame.layer = content->layer;
    return OnFrameReady();
  }
  absl::StatusOr<ParsedPage> parsed =
      content.ok() ? ParsedPage::Parse(content->html, allowance_.bounds) : content.status();
  if (!parsed.ok()) {
    frame.failed = parsed.status();
    return OnFrameReady();
  }
  frame.page = std::make_unique<PagePainting>(needs_, allowance_, depth_ + 1);
  frame.page->Begin(*std::move(parsed), content->url,
                    OptionsOfFrame(frame.rect.width, frame.rect.height), allowance_.bounds,
                    [this, index](const absl::Status& ready) {
                      frames_[index].failed = ready;
                      OnFrameReady();
                    });
}

void PagePainting::OnFrameReady() {
  if (--awaited_ == 0) Finish(absl::OkStatus());
}

void PagePainting::Finish(absl::Status ready) {
  if (on_ready_ != nullptr) std::exchange(on_ready_, nullptr)(std::move(ready));
}

absl::Status PagePainting::PaintInto(const Canvas& canvas, std::vector<FrameLayer>& layers) {
  if (absl::Status painted = painter_->PaintInto(canvas); !painted.ok()) return painted;
  for (const Frame& frame : frames_) {
    const PageRect rect = Clipped(frame.rect, canvas.width, canvas.height);
    if (!IsOn(rect)) continue;
    if (frame.layer != 0) layers.push_back({.layer = frame.layer, .rect = rect});
    if (frame.page == nullptr && frame.failed.ok()) continue;
    const Canvas part = {.argb = canvas.argb + rect.y * (canvas.stride / 4) + rect.x,
                         .width = rect.width,
                         .height = rect.height,
                         .stride = canvas.stride};
    std::vector<FrameLayer> inner;
    const absl::Status painted =
        frame.failed.ok() ? frame.page->PaintInto(part, inner) : frame.failed;
    if (!painted.ok()) {
      PaintFailure(painted, part);
      continue;
    }
    for (FrameLayer& layer : inner) {
      layer.rect.x += rect.x;
      layer.rect.y += rect.y;
      layers.push_back(layer);
    }
  }
  return absl::OkStatus();
}

}  // namespace browser_host
