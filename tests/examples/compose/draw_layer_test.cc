// What is drawn of a layer: at all edges, over others, out of the picture, and wherever nobody can
// be.
#include "examples/browser_host/compose/draw_layer.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "tests/examples/compose/drawn_here.h"

namespace browser_host {
namespace {

// As the compositor does it.
TestPicture Drawn(const TestPicture& base, const std::vector<TestLayer>& layers) {
  TestPicture whole = base;
  const PixelCanvas canvas = {.argb = whole.argb, .width = whole.width, .height = whole.height};
  for (const TestLayer& layer : layers) {
    const PixelRect part =
        VisiblePart(layer.place, layer.picture.width, layer.picture.height, canvas);
    if (part.is_empty()) continue;
    EXPECT_TRUE(DrawLayer(canvas, layer.picture.argb, layer.picture.width, layer.place.x,
                          layer.place.y, part)
                    .ok());
  }
  return whole;
}

std::string DrawnAndCompared(const TestPicture& base, const std::vector<TestLayer>& layers) {
  return Compared(Drawn(base, layers), DrawnHere(base, layers));
}

constexpr uint32_t kRed = 0xffff0000;
constexpr uint32_t kGreen = 0xff00ff00;
constexpr uint32_t kHalfBlue = 0x80000080;

TEST(DrawLayer, IsAtItsPlaceAndNowhereElse) {
  const TestPicture base = Plain(10, 8, kRed);
  const TestPicture whole = Drawn(base, {{Plain(3, 2, kGreen), {4, 5, 3, 2}}});
  for (uint32_t y = 0; y < 8; ++y) {
    for (uint32_t x = 0; x < 10; ++x) {
      const bool is_in = x >= 4 && x < 7 && y >= 5 && y < 7;
      EXPECT_EQ(whole.at(x, y), is_in ? kGreen : kRed) << x << ", " << y;
    }
  }
}

TEST(DrawLayer, IsOneToOneAndShowsWhatIsBelow) {
  EXPECT_EQ(DrawnAndCompared(Noise(40, 30, 1), {{Noise(17, 11, 2), {5, 7, 17, 11}}}),
            "as drawn here");
  const TestPicture mixed = Drawn(Plain(1, 1, kRed), {{Plain(1, 1, kHalfBlue), {0, 0, 1, 1}}});
  EXPECT_EQ(mixed.at(0, 0), 0xff7f0080u);
}

TEST(DrawLayer, LaterOnesAreAboveEarlierOnes) {
  const TestPicture whole = Drawn(Plain(4, 1, 0xff000000), {{Plain(3, 1, kRed), {0, 0, 3, 1}},
                                                            {Plain(3, 1, kGreen), {1, 0, 3, 1}}});
  EXPECT_EQ(whole.argb, (std::vector<uint32_t>{kRed, kGreen, kGreen, kGreen}));
  EXPECT_EQ(DrawnAndCompared(Noise(20, 20, 3), {{Noise(12, 12, 4), {0, 0, 12, 12}},
                                                {Noise(12, 12, 5), {4, 4, 12, 12}},
                                                {Noise(12, 12, 6), {-4, 8, 12, 12}}}),
            "as drawn here");
}

TEST(DrawLayer, IsCutWhereItsPlaceOrThePictureEnds) {
  const TestPicture base = Noise(16, 16, 7);
  const TestPicture layer = Noise(10, 10, 8);
  // All corners and edges, with places smaller, as large and larger than the layer.
  for (const int32_t x : {-11, -10, -9, -1, 0, 1, 6, 7, 15, 16, 17}) {
    for (const int32_t y : {-11, -10, -9, -1, 0, 1, 6, 7, 15, 16, 17}) {
      for (const uint32_t size : {0u, 1u, 9u, 10u, 11u, 100u}) {
        EXPECT_EQ(DrawnAndCompared(base, {{layer, {x, y, size, 10}}}), "as drawn here")
            << x << ", " << y << ", " << size << " wide";
        EXPECT_EQ(DrawnAndCompared(base, {{layer, {x, y, 10, size}}}), "as drawn here")
            << x << ", " << y << ", " << size << " high";
      }
    }
  }
}

TEST(DrawLayer, PlacesAtTheEndsOfTheNumbersAreOutside) {
  const PixelCanvas canvas = {.argb = {}, .width = 10'000, .height = 10'000};
  for (const int32_t x : {INT32_MIN, INT32_MIN + 1, -10'000, 10'000, INT32_MAX - 1, INT32_MAX}) {
    for (const uint32_t size : {1u, 10'000u, UINT32_MAX}) {
      EXPECT_TRUE(VisiblePart({x, 0, size, size}, 10'000, 10'000, canvas).is_empty()) << x;
      EXPECT_TRUE(VisiblePart({0, x, size, size}, 10'000, 10'000, canvas).is_empty()) << x;
    }
  }
  EXPECT_EQ(VisiblePart({-9'999, 9'999, UINT32_MAX, UINT32_MAX}, 10'000, 10'000, canvas),
            (PixelRect{0, 9'999, 1, 1}));
}

// A colour above its alpha is no premultiplied pixel, but somebody may send it.
TEST(DrawLayer, PixelsThatNoPictureHasStayWithinTheirPlace) {
  const TestPicture base = Plain(6, 6, kRed);
  const TestPicture whole = Drawn(base, {{Plain(2, 2, 0x00ffffff), {2, 2, 2, 2}}});
  for (uint32_t y = 0; y < 6; ++y) {
    for (uint32_t x = 0; x < 6; ++x) {
      const bool is_in = x >= 2 && x < 4 && y >= 2 && y < 4;
      EXPECT_EQ(whole.at(x, y), is_in ? 0xffffffffu : kRed) << x << ", " << y;
    }
  }
}

}  // namespace
}  // namespace browser_host
