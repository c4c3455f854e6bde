#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>

#include <bit>
#include <string>
#include <vector>

// After stdio.h, which it wants.
#include <jerror.h>
#include <jpeglib.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/decode/codecs.h"

namespace browser_host {
namespace {

uint8_t Divided(uint32_t product) {
  product += 128;
  return static_cast<uint8_t>((product + (product >> 8)) >> 8);  // by 255, rounded
}

void CmykToPixels(const uint8_t* cmyk, bool is_inverted, uint32_t width, uint8_t* row) {
  const uint32_t flip = is_inverted ? 0 : 255;
  for (uint32_t x = 0; x < width; ++x, cmyk += 4, row += 4) {
    const uint32_t light = cmyk[3] ^ flip;
    const uint8_t red = Divided((cmyk[0] ^ flip) * light);
    const uint8_t green = Divided((cmyk[1] ^ flip) * light);
    const uint8_t blue = Divided((cmyk[2] ^ flip) * light);
    if constexpr (std::endian::native == std::endian::little) {
      row[0] = blue, row[1] = green, row[2] = red, row[3] = 0xff;
    } else {
      row[0] = 0xff, row[1] = red, row[2] = green, row[3] = blue;
    }
  }
}

// libjpeg leaves by longjmp to the function of this class that called it. None of those has a local
// with a destructor, or one that is used after the jump: what they know is in members.
class JpegReader {
 public:
  JpegReader(std::span<const uint8_t> bytes, const DecodeBounds& bounds)
      : bytes_(bytes), bounds_(bounds) {
    jpeg_.err = jpeg_std_error(&errors_);
    jpeg_.client_data = this;
    errors_.error_exit = OnError;
    errors_.emit_message = OnMessage;
    progress_.progress_monitor = OnProgress;
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  // Harmless where it was never made.
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }

  bool ReadHeader() {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&jpeg_);
    jpeg_.mem->max_memory_to_use = static_cast<long>(bounds_.working_bytes);
    jpeg_.progress = &progress_;
    jpeg_mem_src(&jpeg_, bytes_.data(), static_cast<unsigned long>(bytes_.size()));
    jpeg_read_header(&jpeg_, TRUE);
    header_.width = jpeg_.image_width;
    header_.height = jpeg_.image_height;
    return true;
  }

  bool NeedsCmykRow() const {
    return jpeg_.jpeg_color_space == JCS_CMYK || jpeg_.jpeg_color_space == JCS_YCCK;
  }

  // After ReadHeader; `cmyk_row` has room for one where it is needed. False: not to the end.
  bool Decode(uint8_t* pixels, uint8_t* cmyk_row) {
    if (setjmp(jump_) != 0) return false;
    const bool is_little = std::endian::native == std::endian::little;
    jpeg_.out_color_space = NeedsCmykRow() ? JCS_CMYK : is_little ? JCS_EXT_BGRA : JCS_EXT_ARGB;
    jpeg_start_decompress(&jpeg_);
    if (jpeg_.output_components != 4) return Fail("another pixel size");
    while (jpeg_.output_scanline < jpeg_.output_height) {
      uint8_t* const row = pixels + jpeg_.output_scanline * header_.stride();
      uint8_t* to = NeedsCmykRow() ? cmyk_row : row;
      if (jpeg_read_scanlines(&jpeg_, &to, 1) != 1) return Fail("a row is missing");
      // Adobe's programs store them the other way round, and say that it was them.
      if (NeedsCmykRow()) CmykToPixels(cmyk_row, jpeg_.saw_Adobe_marker, header_.width, row);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  const ImageHeader& header() const { return header_; }
  uint32_t rows() const { return jpeg_.output_scanline; }
  std::string warning() const { return warning_[0] == 0 ? "" : absl::StrCat("JPEG: ", warning_); }
  absl::Status error() const { return absl::Status(code_, absl::StrCat("JPEG: ", error_)); }

 private:
  static_assert(BITS_IN_JSAMPLE == 8);

  bool Fail(const char* why) {
    snprintf(error_, sizeof(error_), "%s", why);
    return false;
  }
  [[noreturn]] void Leave(absl::StatusCode code, const char* why) {
    code_ = code;
    Fail(why);
    longjmp(jump_, 1);
  }

  static JpegReader& Of(j_common_ptr jpeg) { return *static_cast<JpegReader*>(jpeg->client_data); }
  [[noreturn]] static void OnError(j_common_ptr jpeg) {
    char why[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, why);
    const bool is_memory =
        jpeg->err->msg_code == JERR_OUT_OF_MEMORY || jpeg->err->msg_code == JERR_NO_BACKING_STORE;
    Of(jpeg).Leave(
        is_memory ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInvalidArgument, why);
  }
  static void OnMessage(j_common_ptr jpeg, int level) {
    if (level >= 0) return;  // tracing
    ++jpeg->err->num_warnings;
    JpegReader& self = Of(jpeg);
    if (self.warning_[0] != 0) return;
    char why[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, why);
    snprintf(self.warning_, sizeof(self.warning_), "%s", why);
  }
  // Of each row of blocks, also while the scans are read of which no pixel has come yet.
  static void OnProgress(j_common_ptr jpeg) {
    JpegReader& self = Of(jpeg);
    if (self.jpeg_.input_scan_number > self.bounds_.scans) {
      char why[64];
      snprintf(why, sizeof(why), "more than %d scans", self.bounds_.scans);
      self.Leave(absl::StatusCode::kResourceExhausted, why);
    }
    if (IsOver(self.bounds_.deadline)) {
      self.Leave(absl::StatusCode::kDeadlineExceeded, "not decoded by its deadline");
    }
  }

  const std::span<const uint8_t> bytes_;
  const DecodeBounds& bounds_;
  jpeg_decompress_struct jpeg_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_progress_mgr progress_ = {};
  jmp_buf jump_;
  ImageHeader header_ = {.format = ImageFormat::kJpeg};
  absl::StatusCode code_ = absl::StatusCode::kInvalidArgument;
  char error_[JMSG_LENGTH_MAX] = "";
  char warning_[JMSG_LENGTH_MAX] = "";
};

absl::Status ReadHeaderWith(JpegReader& reader, const DecodeBounds& bounds) {
  if (!reader.ReadHeader()) return reader.error();
  return CheckHeader(reader.header(), bounds);
}

}  // namespace

absl::StatusOr<ImageHeader> ReadJpegHeader(std::span<const uint8_t> bytes,
                                           const DecodeBounds& bounds) {
  JpegReader reader(bytes, bounds);
  if (absl::Status read = ReadHeaderWith(reader, bounds); !read.ok()) return read;
  return reader.header();
}

absl::StatusOr<DecodedImage> DecodeJpeg(std::span<const uint8_t> bytes, const DecodeBounds& bounds,
                                        std::span<uint8_t> pixels) {
  JpegReader reader(bytes, bounds);
  if (absl::Status read = ReadHeaderWith(reader, bounds); !read.ok()) return read;
  const ImageHeader& header = reader.header();
  if (absl::Status fit = CheckPixels(header, pixels); !fit.ok()) return fit;
  std::vector<uint8_t> cmyk_row(reader.NeedsCmykRow() ? header.stride() : 0);
  const bool is_whole = reader.Decode(pixels.data(), cmyk_row.data());
  return WhatThereIs(header, reader.rows(), is_whole ? absl::OkStatus() : reader.error(),
                     reader.warning(), pixels);
}

}  // namespace browser_host
