#include "examples/browser_host/paint/resources.h"

#include "absl/strings/str_cat.h"
#include "examples/browser_host/paint/well_formed.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

std::string Named(const char* what, std::string_view url) {
  return absl::StrCat(what, " ", forkserver::OneLine(url.substr(0, 200)));
}

}  // namespace

Image::Image(Pixels pixels)
    : pixels_(std::move(pixels)),
      surface_(cairo_image_surface_create_for_data(
          reinterpret_cast<unsigned char*>(pixels_.argb.data()), CAIRO_FORMAT_ARGB32, pixels_.width,
          pixels_.height, pixels_.width * 4)) {}

void Resources::Need(ResourceKind kind, const std::string& url) {
  if (url.empty() || asked_.size() >= bounds_.resources) return;
  const NeededResource needed = {.kind = kind, .url = url};
  if (asked_.emplace(needed, true).second) new_.push_back(needed);
}

const std::string* Resources::StyleSheet(const std::string& url) {
  if (const auto found = style_sheets_.find(url); found != style_sheets_.end()) {
    return &found->second;
  }
  Need(ResourceKind::kStyleSheet, url);
  return nullptr;
}

const Image* Resources::FindImage(const std::string& url) {
  if (const auto found = images_.find(url); found != images_.end()) return found->second.get();
  Need(ResourceKind::kImage, url);
  return nullptr;
}

absl::Status Resources::SupplyStyleSheet(const std::string& url, std::string_view css) {
  if (!asked_.contains({.kind = ResourceKind::kStyleSheet, .url = url})) {
    return absl::NotFoundError(Named("no page needs style sheet", url));
  }
  if (css.size() > bounds_.css_bytes - css_bytes_) {
    return absl::ResourceExhaustedError(absl::StrCat(Named("style sheet", url), ": more than ",
                                                     bounds_.css_bytes,
                                                     " bytes with those before it"));
  }
  css_bytes_ += css.size();
  style_sheets_[url] = WellFormedUtf8(css);
  return absl::OkStatus();
}

absl::Status Resources::SupplyImage(const std::string& url, Pixels pixels) {
  if (!asked_.contains({.kind = ResourceKind::kImage, .url = url})) {
    return absl::NotFoundError(Named("no page needs image", url));
  }
  const bool has_size = pixels.width > 0 && pixels.height > 0 &&
                        pixels.width <= kMostPixelsOfASide && pixels.height <= kMostPixelsOfASide;
  const uint64_t count = has_size ? static_cast<uint64_t>(pixels.width) * pixels.height : 0;
  if (!has_size || pixels.argb.size() != count) {
    return absl::InvalidArgumentError(absl::StrCat(Named("image", url), ": ", pixels.width, " by ",
                                                   pixels.height, " in ", pixels.argb.size(),
                                                   " pixels"));
  }
  if (count > bounds_.image_pixels - image_pixels_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        Named("image", url), ": more than ", bounds_.image_pixels, " pixels with those before it"));
  }
  image_pixels_ += count;
  images_[url] = std::make_unique<Image>(std::move(pixels));
  return absl::OkStatus();
}

}  // namespace browser_host
