#include "tests/examples/compose/drawn_here.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "examples/browser_host/compose/picture.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

// Of two parts of 255, rounded.
uint32_t Times(uint32_t a, uint32_t b) { return (2 * a * b + 255) / 510; }

uint32_t Channel(uint32_t argb, int shift) { return argb >> shift & 255; }

uint32_t Over(uint32_t above, uint32_t below) {
  uint32_t result = 0;
  for (const int shift : {0, 8, 16, 24}) {
    const uint32_t through = Times(Channel(below, shift), 255 - Channel(above, 24));
    result |= (Channel(above, shift) + through) << shift;
  }
  return result;
}

}  // namespace

TestPicture Plain(uint32_t width, uint32_t height, uint32_t argb) {
  return {.width = width,
          .height = height,
          .argb = std::vector<uint32_t>(size_t{width} * height, argb)};
}

TestPicture Noise(uint32_t width, uint32_t height, uint32_t seed) {
  TestPicture picture = Plain(width, height, 0);
  uint32_t state = seed * 2654435761u + 1;
  const auto next = [&state] {
    state = state * 1664525u + 1013904223u;
    return state >> 24;
  };
  for (uint32_t& pixel : picture.argb) {
    // Every fourth is opaque, and every fourth clear.
    uint32_t alpha = next();
    if (alpha % 4 < 2) alpha = alpha % 4 * 255;
    pixel =
        alpha << 24 | Times(next(), alpha) << 16 | Times(next(), alpha) << 8 | Times(next(), alpha);
  }
  return picture;
}

TestPicture DrawnHere(const TestPicture& base, const std::vector<TestLayer>& layers) {
  TestPicture whole = base;
  for (const TestLayer& layer : layers) {
    for (uint32_t y = 0; y < layer.picture.height; ++y) {
      for (uint32_t x = 0; x < layer.picture.width; ++x) {
        const int64_t across = int64_t{layer.place.x} + x;
        const int64_t down = int64_t{layer.place.y} + y;
        if (x >= layer.place.width || y >= layer.place.height || across < 0 || down < 0 ||
            across >= whole.width || down >= whole.height) {
          continue;
        }
        uint32_t& pixel =
            whole.argb[static_cast<size_t>(down) * whole.width + static_cast<size_t>(across)];
        pixel = Over(layer.picture.at(x, y), pixel);
      }
    }
  }
  return whole;
}

SharedPicture Share(const TestPicture& picture) {
  auto fd = forkserver::CreateSealedMemfd(
      "picture", {reinterpret_cast<const uint8_t*>(picture.argb.data()), picture.argb.size() * 4});
  EXPECT_TRUE(fd.ok()) << fd.status();
  return {.pixels = std::make_shared<const forkserver::UniqueFd>(*std::move(fd)),
          .width = picture.width,
          .height = picture.height};
}

TestPicture Unshare(const SharedPicture& picture) {
  const absl::StatusOr<Picture> pixels =
      Picture::Map(picture.pixels->get(), picture.width, picture.height);
  EXPECT_TRUE(pixels.ok()) << pixels.status();
  if (!pixels.ok()) return {};
  return {.width = pixels->width(),
          .height = pixels->height(),
          .argb = {pixels->argb().begin(), pixels->argb().end()}};
}

ComposeRequest RequestOf(const TestPicture& base, const std::vector<TestLayer>& layers) {
  ComposeRequest request = {.base = Share(base)};
  for (const TestLayer& layer : layers) {
    request.layers.push_back({.layer = request.layers.size() + 1,
                              .picture = Share(layer.picture),
                              .x = layer.place.x,
                              .y = layer.place.y,
                              .frame_width = layer.place.width,
                              .frame_height = layer.place.height});
  }
  return request;
}

std::string Compared(const TestPicture& got, const TestPicture& wanted) {
  if (got.width != wanted.width || got.height != wanted.height) {
    return absl::StrFormat("%d by %d pixels, not %d by %d", got.width, got.height, wanted.width,
                           wanted.height);
  }
  for (uint32_t y = 0; y < got.height; ++y) {
    for (uint32_t x = 0; x < got.width; ++x) {
      if (got.at(x, y) == wanted.at(x, y)) continue;
      return absl::StrFormat("pixel %d, %d is %08x, not %08x", x, y, got.at(x, y), wanted.at(x, y));
    }
  }
  return "as drawn here";
}

}  // namespace browser_host
