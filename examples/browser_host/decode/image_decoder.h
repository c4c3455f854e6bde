// Decodes PNG, JPEG and WebP, told apart by their first bytes, into memory of the caller's.
//
//     absl::StatusOr<ImageHeader> header = ReadImageHeader(bytes, bounds);
//     std::vector<uint8_t> pixels(header->pixel_bytes());              // or shared memory
//     absl::StatusOr<DecodedImage> image = DecodeImage(bytes, bounds, pixels);
//
// Two steps, so that the pixels land where they are wanted without a copy. The first costs
// microseconds, and the second reads the header again: nothing is kept between them.
//
// What comes out (image.h has the layout):
//
//   - All PNGs (palette, gray, 16 bits, alpha, interlaced), all JPEGs of 8 bits (gray, YCC, CMYK
//   and
//     YCCK; progressive and arithmetic too), still WebPs. Of an animated PNG the default picture;
//     an animated WebP is Unimplemented.
//   - Colours are taken for sRGB: gamma and profiles are not looked at, nor is any chunk but those
//     that pixels are made of. CMYK is turned into RGB without a profile either.
//   - EXIF's orientation is ignored: the picture is as its file stores it.
//   - A file that breaks off, or is broken from some place on, gives what was decoded until there,
//     with `rows` and `complaint`: pages show that much. An interlaced PNG is then as coarse as the
//     passes that came; of a JPEG libjpeg fills in what is missing, in gray. A progressive JPEG
//     that is broken (and does not merely end) within a later scan gives nothing. Where not one row
//     came, it is an error.
//
// Errors are one line, the format and the library's word: "PNG: IHDR: CRC error". InvalidArgument:
// it is no picture, or a broken one. ResourceExhausted: over a bound. DeadlineExceeded: not one row
// by the deadline. Unimplemented: what is not decoded here.
//
// Time: the bounds' deadline is looked at between rows of a PNG and of a JPEG, and between blocks
// of a JPEG's scans. A WebP of 2^25 pixels, which is decoded in one go, took 1.1 s at most.
//
// Pure: no files, no threads, no clock but the deadline's; libjpeg reads JPEGMEM and the SIMD
// switches of the environment. libpng and libjpeg leave by longjmp; nothing is leaked by that.
// Threads: any. After a fork: usable. `pixels` may be memory that somebody else writes to: what is
// read back from it decides nothing but values of pixels.
#ifndef EXAMPLES_BROWSER_HOST_DECODE_IMAGE_DECODER_H_
#define EXAMPLES_BROWSER_HOST_DECODE_IMAGE_DECODER_H_

#include <stdint.h>

#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/decode/image.h"

namespace browser_host {

// InvalidArgument: the first bytes are of none of the three.
absl::StatusOr<ImageFormat> FormatOfImage(std::span<const uint8_t> bytes);

absl::StatusOr<ImageHeader> ReadImageHeader(std::span<const uint8_t> bytes,
                                            const DecodeBounds& bounds);

// `pixels` are as many bytes as the header has pixel_bytes, aligned to 4; else InvalidArgument. All
// of them are written, unless the result is an error.
absl::StatusOr<DecodedImage> DecodeImage(std::span<const uint8_t> bytes, const DecodeBounds& bounds,
                                         std::span<uint8_t> pixels);

// For a template: decodes a small picture of each format, after which the libraries' code is paged
// in, their tables are made, and they have looked at the processor. A fresh decoder's first picture
// of 32x32 then took some 235 us through its line in place of 290 (medians; the second one takes
// about 80): most of what a first one costs is page faults of the child's own.
absl::Status WarmUpImageDecoder();

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_DECODE_IMAGE_DECODER_H_
