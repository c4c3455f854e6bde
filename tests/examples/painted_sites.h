// The fixture of tests that look at the pictures that browser_host makes of pages.
#ifndef TESTS_EXAMPLES_PAINTED_SITES_H_
#define TESTS_EXAMPLES_PAINTED_SITES_H_

#include <gtest/gtest.h>
#include <png.h>
#include <stdint.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/examples/decode/encode_pictures.h"
#include "tests/examples/run_browser_host.h"

namespace forkserver::testing {

struct ReadPicture {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint32_t> argb = {};

  // 0 beside it.
  uint32_t At(uint32_t x, uint32_t y) const {
    return x < width && y < height ? argb[size_t{y} * width + x] : 0;
  }
};

inline ReadPicture ReadPng(const std::string& path) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) {
    ADD_FAILURE() << path << ": " << image.message;
    return {};
  }
  image.format = PNG_FORMAT_BGRA;
  ReadPicture picture = {.width = image.width, .height = image.height};
  picture.argb.resize(PNG_IMAGE_SIZE(image) / sizeof(uint32_t));
  EXPECT_NE(png_image_finish_read(&image, nullptr, picture.argb.data(), 0, nullptr), 0);
  return picture;
}

class PaintedSites : public BrowserHost {
 protected:
  static constexpr uint32_t kRed = 0xffff0000;
  static constexpr uint32_t kGreen = 0xff008000;
  static constexpr uint32_t kBlue = 0xff0000ff;
  static constexpr uint32_t kWhite = 0xffffffff;

  // One of a colour, as a file below the test's folder.
  std::string WritePicture(const std::string& name, uint32_t argb, uint32_t width = 20,
                           uint32_t height = 10) {
    const browser_host::PictureBytes png = browser_host::EncodePng(
        {.width = width, .height = height, .colours = PNG_COLOR_TYPE_RGB},
        [argb](uint32_t, uint32_t, int channel) { return argb >> (16 - 8 * channel) & 0xff; });
    return Write(name, std::string(png.begin(), png.end()));
  }

  ProgramResult RunOn(std::vector<std::string> pages) {
    pages.insert(pages.begin(), {"--pictures", Folder()});
    return Run(pages);
  }
  std::string Folder() const { return folder_ / "pictures"; }
  ReadPicture PictureOf(const std::string& name) const { return ReadPng(Folder() + "/" + name); }
  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
      names.insert(entry.path().filename());
    }
    return names;
  }
};

}  // namespace forkserver::testing

#endif  // TESTS_EXAMPLES_PAINTED_SITES_H_
