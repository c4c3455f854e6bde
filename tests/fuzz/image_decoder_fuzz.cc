// The decoder of pictures: any bytes are a picture within the bounds or an error of one line that
// names the format, and header and pixels are told alike.
//
// The libraries are Debian's, built without the fuzzer's eyes: what it sees of them is what they do
// with memory of ours, by the sanitizer's malloc and memcpy.
#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "examples/browser_host/decode/image_decoder.h"
#include "tests/fuzz/require.h"

namespace browser_host {
namespace {

using forkserver::Require;

// So that an input takes well under a second.
constexpr DecodeBounds kBounds = {.encoded_bytes = 1 << 20,
                                  .width = 2048,
                                  .height = 2048,
                                  .pixels = 1 << 16,
                                  .chunks = 1000,
                                  .scans = 20,
                                  .working_bytes = 1 << 24};

bool IsOneLine(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\0'; });
}

void RequireGoodError(const absl::Status& error) {
  const std::string text(error.message());
  Require(IsOneLine(text));
  constexpr std::array kNames = {"picture: ", "PNG: ", "JPEG: ", "WebP: "};
  Require(std::any_of(kNames.begin(), kNames.end(),
                      [&](const char* name) { return text.starts_with(name); }));
}

void FuzzImage(std::span<const uint8_t> bytes) {
  const absl::StatusOr<ImageHeader> header = ReadImageHeader(bytes, kBounds);
  if (!header.ok()) return RequireGoodError(header.status());
  Require(CheckHeader(*header, kBounds).ok());
  Require(header->format == *FormatOfImage(bytes));
  // Of exactly that size, where sanitizers see a write beyond it.
  std::vector<uint8_t> pixels(header->pixel_bytes(), 0x5a);
  const absl::StatusOr<DecodedImage> image = DecodeImage(bytes, kBounds, pixels);
  if (!image.ok()) return RequireGoodError(image.status());
  Require(image->header == *header);
  Require(image->rows <= header->height);
  Require(image->rows > 0);
  Require(IsOneLine(image->complaint));
  // What did not come is transparent.
  Require(std::all_of(pixels.begin() + static_cast<ptrdiff_t>(image->rows * header->stride()),
                      pixels.end(), [](uint8_t byte) { return byte == 0; }));
}

}  // namespace
}  // namespace browser_host

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  browser_host::FuzzImage({data, size});
  return 0;
}
