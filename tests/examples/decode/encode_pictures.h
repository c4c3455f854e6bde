// Pictures for tests, made by the libraries' own encoders from what a function says of each sample.
#ifndef TESTS_EXAMPLES_DECODE_ENCODE_PICTURES_H_
#define TESTS_EXAMPLES_DECODE_ENCODE_PICTURES_H_

#include <png.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <functional>
#include <span>
#include <string_view>
#include <vector>

// After stdio.h, which it wants.
#include <jpeglib.h>

namespace browser_host {

using PictureBytes = std::vector<uint8_t>;

// Channels in the order of the format: gray, gray and alpha, RGB, RGBA, CMYK, an index.
using Samples = std::function<uint32_t(uint32_t x, uint32_t y, int channel)>;

struct PngPicture {
  uint32_t width = 13;
  uint32_t height = 7;
  int bit_depth = 8;
  int colours = PNG_COLOR_TYPE_RGB_ALPHA;
  bool is_interlaced = false;
  std::vector<png_color> palette = {};
  std::vector<uint8_t> palette_alpha = {};
};
PictureBytes EncodePng(const PngPicture& picture, const Samples& samples);

struct JpegPicture {
  uint32_t width = 40;
  uint32_t height = 24;
  J_COLOR_SPACE samples = JCS_RGB;
  J_COLOR_SPACE stored = JCS_YCbCr;
  bool is_progressive = false;
  bool has_adobe_marker = true;  // of CMYK
  int quality = 95;
};
PictureBytes EncodeJpeg(const JpegPicture& picture, const Samples& samples);

struct WebpPicture {
  uint32_t width = 40;
  uint32_t height = 24;
  bool is_lossless = true;
  bool has_alpha = false;
};
PictureBytes EncodeWebp(const WebpPicture& picture, const Samples& samples);

// Length, type, `data` and a right CRC.
PictureBytes PngChunk(std::string_view type, std::span<const uint8_t> data);
// Where the first chunk of that type begins.
size_t FindPngChunk(const PictureBytes& png, std::string_view type);
// The same picture, with a header that says so and has a right CRC.
PictureBytes WithPngSize(PictureBytes png, uint32_t width, uint32_t height);
PictureBytes WithBigEndian32(PictureBytes bytes, size_t at, uint32_t value);

}  // namespace browser_host

#endif  // TESTS_EXAMPLES_DECODE_ENCODE_PICTURES_H_
