// What the compositor should make of its layers, computed here pixel by pixel and without cairo;
// and pictures for tests.
#ifndef TESTS_EXAMPLES_COMPOSE_DRAWN_HERE_H_
#define TESTS_EXAMPLES_COMPOSE_DRAWN_HERE_H_

#include <stdint.h>

#include <string>
#include <vector>

#include "examples/browser_host/compose/compositor_service.h"
#include "examples/browser_host/compose/draw_layer.h"
#include "examples/browser_host/compose/shared_picture.h"

namespace browser_host {

struct TestPicture {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint32_t> argb = {};

  uint32_t at(uint32_t x, uint32_t y) const { return argb[y * width + x]; }
  friend bool operator==(const TestPicture&, const TestPicture&) = default;
};

struct TestLayer {
  TestPicture picture;
  PixelRect place;
};

TestPicture Plain(uint32_t width, uint32_t height, uint32_t argb);
// Pixels that no two neighbours share, of all alphas, as premultiplied ones are.
TestPicture Noise(uint32_t width, uint32_t height, uint32_t seed);

TestPicture DrawnHere(const TestPicture& base, const std::vector<TestLayer>& layers);

SharedPicture Share(const TestPicture& picture);
// Fails the test where it cannot be mapped.
TestPicture Unshare(const SharedPicture& picture);
// Layers are numbered from 1.
ComposeRequest RequestOf(const TestPicture& base, const std::vector<TestLayer>& layers);

// "pixel 3, 4 is 80ff0000, not ff00ff00": the first difference; "as drawn here" where there is
// none.
std::string Compared(const TestPicture& got, const TestPicture& wanted);

}  // namespace browser_host

#endif  // TESTS_EXAMPLES_COMPOSE_DRAWN_HERE_H_
