#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <bit>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/decode/codecs.h"

namespace browser_host {
namespace {

constexpr size_t kSignatureBytes = 8;
constexpr size_t kChunkFrameBytes = 12;  // length, type, CRC
constexpr size_t kBytesARead = 1024;

// libpng's limit does not count those that it passes over.
bool HasMoreChunks(std::span<const uint8_t> bytes, size_t most) {
  size_t chunks = 0;
  for (size_t at = kSignatureBytes; at + kChunkFrameBytes <= bytes.size();) {
    if (++chunks > most) return true;
    const uint32_t length = uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 |
                            uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
    at += kChunkFrameBytes + length;
  }
  return false;
}

uint8_t Multiplied(uint32_t colour, uint32_t alpha) {
  const uint32_t product = colour * alpha + 128;
  return static_cast<uint8_t>((product + (product >> 8)) >> 8);  // / 255, rounded
}

void Premultiply(uint8_t* row, uint32_t width) {
  constexpr bool kLittle = std::endian::native == std::endian::little;
  constexpr int kAlpha = kLittle ? 3 : 0;
  constexpr int kColours = kLittle ? 0 : 1;
  for (uint32_t x = 0; x < width; ++x, row += 4) {
    const uint32_t alpha = row[kAlpha];
    if (alpha == 255) continue;
    for (int i = kColours; i < kColours + 3; ++i) row[i] = Multiplied(row[i], alpha);
  }
}

// libpng leaves by longjmp to the function of this class that called it. None of those has a local
// with a destructor, or one that is used after the jump: what they know is in members.
class PngReader {
 public:
  PngReader(std::span<const uint8_t> bytes, const DecodeBounds& bounds)
      : rest_(bytes), bounds_(bounds) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, OnError, OnWarning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  bool ReadHeader() {
    if (info_ == nullptr) return Fail("no memory");
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_read_fn(png_, this, OnRead);
    // It asks for so many bytes of the pixels at a time, and gets all of them or none: what is lost
    // of a file that breaks off is less than that.
    png_set_compression_buffer_size(png_, kBytesARead);
    // What is over our own limits is refused by us, with their numbers.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // All that can be packed (profiles, texts) is passed over unread: bombs are none.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
    header_.width = png_get_image_width(png_, info_);
    header_.height = png_get_image_height(png_, info_);
    return true;
  }

  // After ReadHeader. False: not to the end.
  bool Decode(uint8_t* pixels) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    const int colours = png_get_color_type(png_, info_);
    has_alpha_ = (colours & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png_, info_, PNG_INFO_tRNS);
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_gray_to_rgb(png_);
    if constexpr (std::endian::native == std::endian::little) {
      png_set_bgr(png_);
      png_set_add_alpha(png_, 0xff, PNG_FILLER_AFTER);
    } else {
      png_set_swap_alpha(png_);
      png_set_add_alpha(png_, 0xff, PNG_FILLER_BEFORE);
    }
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != header_.stride()) return Fail("another row size");
    for (int pass = 0; pass < passes_; ++pass) {
      for (uint32_t y = 0; y < header_.height; ++y) {
        if (IsOver(bounds_.deadline)) {
          is_late_ = true;
          return Fail("not decoded by its deadline");
        }
        uint8_t* const row = pixels + y * header_.stride();
        if (is_interlaced()) {
          // As blocks, which later passes make finer.
          png_read_row(png_, nullptr, row);
        } else {
          png_read_row(png_, row, nullptr);
          if (has_alpha_) Premultiply(row, header_.width);
        }
        if (pass == 0) rows_ = y + 1;
      }
    }
    png_read_end(png_, nullptr);
    return true;
  }

  const ImageHeader& header() const { return header_; }
  uint32_t rows() const { return rows_; }
  bool has_alpha() const { return has_alpha_; }
  bool is_interlaced() const { return passes_ > 1; }
  std::string warning() const { return warning_[0] == 0 ? "" : absl::StrCat("PNG: ", warning_); }
  absl::Status error() const {
    const std::string why = absl::StrCat("PNG: ", error_);
    return is_late_ ? absl::DeadlineExceededError(why) : absl::InvalidArgumentError(why);
  }

 private:
  bool Fail(const char* why) {
    snprintf(error_, sizeof(error_), "%s", why);
    return false;
  }

  static void OnError(png_structp png, png_const_charp why) {
    static_cast<PngReader*>(png_get_error_ptr(png))->Fail(why);
    png_longjmp(png, 1);
  }
  static void OnWarning(png_structp png, png_const_charp why) {
    PngReader* const self = static_cast<PngReader*>(png_get_error_ptr(png));
    if (self->warning_[0] == 0) snprintf(self->warning_, sizeof(self->warning_), "%s", why);
  }
  static void OnRead(png_structp png, png_bytep to, size_t size) {
    PngReader* const self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (self->rest_.size() < size) png_error(png, "the file ends too early");
    memcpy(to, self->rest_.data(), size);
    self->rest_ = self->rest_.subspan(size);
  }

  std::span<const uint8_t> rest_;
  const DecodeBounds& bounds_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  ImageHeader header_ = {.format = ImageFormat::kPng};
  int passes_ = 1;
  uint32_t rows_ = 0;
  bool has_alpha_ = false;
  bool is_late_ = false;
  char error_[160] = "";
  char warning_[160] = "";
};

absl::Status ReadHeaderWith(PngReader& reader, std::span<const uint8_t> bytes,
                            const DecodeBounds& bounds) {
  if (HasMoreChunks(bytes, bounds.chunks)) {
    return absl::ResourceExhaustedError(absl::StrFormat("PNG: more than %d chunks", bounds.chunks));
  }
  if (!reader.ReadHeader()) return reader.error();
  return CheckHeader(reader.header(), bounds);
}

}  // namespace

absl::StatusOr<ImageHeader> ReadPngHeader(std::span<const uint8_t> bytes,
                                          const DecodeBounds& bounds) {
  PngReader reader(bytes, bounds);
  if (absl::Status read = ReadHeaderWith(reader, bytes, bounds); !read.ok()) return read;
  return reader.header();
}

absl::StatusOr<DecodedImage> DecodePng(std::span<const uint8_t> bytes, const DecodeBounds& bounds,
                                       std::span<uint8_t> pixels) {
  PngReader reader(bytes, bounds);
  if (absl::Status read = ReadHeaderWith(reader, bytes, bounds); !read.ok()) return read;
  const ImageHeader& header = reader.header();
  if (absl::Status fit = CheckPixels(header, pixels); !fit.ok()) return fit;
  const bool is_whole = reader.Decode(pixels.data());
  // Of an interlaced one each pass reads what those before it have left.
  if (reader.is_interlaced() && reader.has_alpha()) {
    for (uint32_t y = 0; y < reader.rows(); ++y) {
      Premultiply(pixels.data() + y * header.stride(), header.width);
    }
  }
  return WhatThereIs(header, reader.rows(), is_whole ? absl::OkStatus() : reader.error(),
                     reader.warning(), pixels);
}

}  // namespace browser_host
