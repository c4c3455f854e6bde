#include "tests/examples/decode/encode_pictures.h"

#include <stdlib.h>
#include <webp/encode.h>
#include <zlib.h>

#include <algorithm>
#include <utility>

namespace browser_host {
namespace {

int ChannelsOf(int colours) {
  switch (colours) {
    case PNG_COLOR_TYPE_GRAY:
    case PNG_COLOR_TYPE_PALETTE:
      return 1;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
      return 2;
    case PNG_COLOR_TYPE_RGB:
      return 3;
    default:
      return 4;
  }
}

void Append(png_structp png, png_bytep data, size_t size) {
  auto& bytes = *static_cast<PictureBytes*>(png_get_io_ptr(png));
  bytes.insert(bytes.end(), data, data + size);
}

uint32_t Get32(const PictureBytes& bytes, size_t at) {
  return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 |
         bytes[at + 3];
}

}  // namespace

PictureBytes EncodePng(const PngPicture& picture, const Samples& samples) {
  // What goes wrong here ends the program, as libpng does by itself.
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  PictureBytes bytes;
  png_set_write_fn(png, &bytes, Append, nullptr);
  png_set_IHDR(png, info, picture.width, picture.height, picture.bit_depth, picture.colours,
               picture.is_interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!picture.palette.empty()) {
    png_set_PLTE(png, info, picture.palette.data(), static_cast<int>(picture.palette.size()));
  }
  if (!picture.palette_alpha.empty()) {
    png_set_tRNS(png, info, picture.palette_alpha.data(),
                 static_cast<int>(picture.palette_alpha.size()), nullptr);
  }
  png_write_info(png, info);
  if (picture.bit_depth < 8) png_set_packing(png);
  const int channels = ChannelsOf(picture.colours);
  const int passes = png_set_interlace_handling(png);
  for (int pass = 0; pass < passes; ++pass) {
    for (uint32_t y = 0; y < picture.height; ++y) {
      PictureBytes row;
      for (uint32_t x = 0; x < picture.width; ++x) {
        for (int c = 0; c < channels; ++c) {
          const uint32_t sample = samples(x, y, c);
          if (picture.bit_depth == 16) row.push_back(static_cast<uint8_t>(sample >> 8));
          row.push_back(static_cast<uint8_t>(sample));
        }
      }
      png_write_row(png, row.data());
    }
  }
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

PictureBytes EncodeJpeg(const JpegPicture& picture, const Samples& samples) {
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_width = picture.width;
  jpeg.image_height = picture.height;
  jpeg.in_color_space = picture.samples;
  jpeg.input_components = picture.samples == JCS_GRAYSCALE ? 1 : picture.samples == JCS_RGB ? 3 : 4;
  jpeg_set_defaults(&jpeg);
  jpeg_set_colorspace(&jpeg, picture.stored);
  jpeg_set_quality(&jpeg, picture.quality, TRUE);
  jpeg.optimize_coding = TRUE;
  if (!picture.has_adobe_marker) jpeg.write_Adobe_marker = FALSE;
  // Colours as sharp as brightness, so that a test can compare pixels.
  for (int i = 0; i < jpeg.num_components; ++i) {
    jpeg.comp_info[i].h_samp_factor = jpeg.comp_info[i].v_samp_factor = 1;
  }
  if (picture.is_progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  for (uint32_t y = 0; y < picture.height; ++y) {
    PictureBytes row;
    for (uint32_t x = 0; x < picture.width; ++x) {
      for (int c = 0; c < jpeg.input_components; ++c) {
        row.push_back(static_cast<uint8_t>(samples(x, y, c)));
      }
    }
    unsigned char* from = row.data();
    jpeg_write_scanlines(&jpeg, &from, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  PictureBytes bytes(memory, memory + size);
  free(memory);
  return bytes;
}

PictureBytes EncodeWebp(const WebpPicture& picture, const Samples& samples) {
  const int channels = picture.has_alpha ? 4 : 3;
  PictureBytes pixels;
  for (uint32_t y = 0; y < picture.height; ++y) {
    for (uint32_t x = 0; x < picture.width; ++x) {
      for (int c = 0; c < channels; ++c) {
        pixels.push_back(static_cast<uint8_t>(samples(x, y, c)));
      }
    }
  }
  const int width = static_cast<int>(picture.width);
  const int height = static_cast<int>(picture.height);
  const int stride = width * channels;
  uint8_t* memory = nullptr;
  size_t size = 0;
  if (picture.is_lossless) {
    size = picture.has_alpha ? WebPEncodeLosslessRGBA(pixels.data(), width, height, stride, &memory)
                             : WebPEncodeLosslessRGB(pixels.data(), width, height, stride, &memory);
  } else {
    size = picture.has_alpha ? WebPEncodeRGBA(pixels.data(), width, height, stride, 95, &memory)
                             : WebPEncodeRGB(pixels.data(), width, height, stride, 95, &memory);
  }
  PictureBytes bytes(memory, memory + size);
  WebPFree(memory);
  return bytes;
}

PictureBytes PngChunk(std::string_view type, std::span<const uint8_t> data) {
  PictureBytes chunk(4);
  chunk = WithBigEndian32(std::move(chunk), 0, static_cast<uint32_t>(data.size()));
  chunk.insert(chunk.end(), type.begin(), type.end());
  chunk.insert(chunk.end(), data.begin(), data.end());
  const size_t end = chunk.size();
  chunk.resize(end + 4);
  const uLong crc = crc32(0, chunk.data() + 4, static_cast<uInt>(end - 4));
  return WithBigEndian32(std::move(chunk), end, static_cast<uint32_t>(crc));
}

size_t FindPngChunk(const PictureBytes& png, std::string_view type) {
  size_t at = 8;
  while (!std::equal(type.begin(), type.end(), png.begin() + static_cast<long>(at) + 4)) {
    at += 12 + Get32(png, at);
  }
  return at;
}

PictureBytes WithPngSize(PictureBytes png, uint32_t width, uint32_t height) {
  const size_t at = FindPngChunk(png, "IHDR");
  png = WithBigEndian32(WithBigEndian32(std::move(png), at + 8, width), at + 12, height);
  const PictureBytes header = PngChunk("IHDR", std::span(png).subspan(at + 8, 13));
  std::copy(header.begin(), header.end(), png.begin() + static_cast<long>(at));
  return png;
}

PictureBytes WithBigEndian32(PictureBytes bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
  return bytes;
}

}  // namespace browser_host
