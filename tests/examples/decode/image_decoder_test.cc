// Pictures of all three formats, pixel by pixel; each bound; and files that are broken.
#include "examples/browser_host/decode/image_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/examples/decode/encode_pictures.h"
#include "tests/examples/decode/hostile_pictures.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

using ::testing::HasSubstr;

struct Colour {
  int red = 0;
  int green = 0;
  int blue = 0;
  int alpha = 255;
};

// Pixels as 32-bit words, which is what cairo reads.
struct Decoded {
  absl::StatusOr<DecodedImage> image = absl::UnknownError("not decoded");
  std::vector<uint32_t> pixels = {};

  Colour At(uint32_t x, uint32_t y) const {
    const uint32_t word = pixels[y * image->header.width + x];
    return {static_cast<int>(word >> 16 & 255), static_cast<int>(word >> 8 & 255),
            static_cast<int>(word & 255), static_cast<int>(word >> 24)};
  }
};

Decoded Decode(const PictureBytes& bytes, const DecodeBounds& bounds = {}) {
  const absl::StatusOr<ImageHeader> header = ReadImageHeader(bytes, bounds);
  if (!header.ok()) return {.image = header.status()};
  Decoded decoded;
  // What is not written shows.
  decoded.pixels.assign(size_t{header->width} * header->height, 0x5a5a5a5a);
  decoded.image = DecodeImage(
      bytes, bounds, {reinterpret_cast<uint8_t*>(decoded.pixels.data()), header->pixel_bytes()});
  return decoded;
}

std::string ErrorOf(const PictureBytes& bytes, const DecodeBounds& bounds = {}) {
  const Decoded decoded = Decode(bytes, bounds);
  return decoded.image.ok() ? "decoded" : decoded.image.status().ToString();
}

int Times(int colour, int alpha) { return (colour * alpha * 2 + 255) / 510; }

// How far the worst sample of all is from `wanted`, which says what a pixel is before it is
// multiplied by its alpha.
template <typename Wanted>
int WorstDifference(const Decoded& decoded, Wanted wanted) {
  int worst = 0;
  for (uint32_t y = 0; y < decoded.image->header.height; ++y) {
    for (uint32_t x = 0; x < decoded.image->header.width; ++x) {
      const Colour is = decoded.At(x, y);
      const Colour full = wanted(x, y);
      for (const int difference :
           {is.red - Times(full.red, full.alpha), is.green - Times(full.green, full.alpha),
            is.blue - Times(full.blue, full.alpha), is.alpha - full.alpha}) {
        worst = std::max(worst, std::abs(difference));
      }
    }
  }
  return worst;
}

uint32_t Ramp(uint32_t x, uint32_t y, int channel) {
  return (x * 5 + y * 3 + static_cast<uint32_t>(channel) * 60) & 255;
}
Colour RampColour(uint32_t x, uint32_t y) {
  return {static_cast<int>(Ramp(x, y, 0)), static_cast<int>(Ramp(x, y, 1)),
          static_cast<int>(Ramp(x, y, 2))};
}
Colour RampColourAlpha(uint32_t x, uint32_t y) {
  Colour colour = RampColour(x, y);
  colour.alpha = static_cast<int>(Ramp(x, y, 3));
  return colour;
}
// Without a jump, so that JPEG's loss stays small.
uint32_t Smooth(uint32_t x, uint32_t y, int channel) {
  return x * 3 + y * 2 + static_cast<uint32_t>(channel) * 20;
}

TEST(ImageDecoder, TellsFormatsApartByTheirFirstBytes) {
  EXPECT_EQ(*FormatOfImage(EncodePng({}, Ramp)), ImageFormat::kPng);
  EXPECT_EQ(*FormatOfImage(EncodeJpeg({}, Ramp)), ImageFormat::kJpeg);
  EXPECT_EQ(*FormatOfImage(EncodeWebp({}, Ramp)), ImageFormat::kWebp);
  for (const std::string_view text : {"", "\x89", "RIFF1234WEB", "GIF89a", "\xff\xd8"}) {
    EXPECT_EQ(ErrorOf({text.begin(), text.end()}),
              "INVALID_ARGUMENT: picture: neither PNG nor JPEG nor WebP");
  }
}

TEST(ImageDecoder, ReadsHeadersOfAllFormats) {
  EXPECT_EQ(*ReadImageHeader(EncodePng({.width = 3, .height = 5}, Ramp), {}),
            (ImageHeader{ImageFormat::kPng, 3, 5}));
  EXPECT_EQ(*ReadImageHeader(EncodeJpeg({.width = 70, .height = 9}, Ramp), {}),
            (ImageHeader{ImageFormat::kJpeg, 70, 9}));
  EXPECT_EQ(*ReadImageHeader(EncodeWebp({.width = 1, .height = 200}, Ramp), {}),
            (ImageHeader{ImageFormat::kWebp, 1, 200}));
}

TEST(PngDecoder, DecodesColoursOf8And16BitsWithAndWithoutAlphaAndInterlaced) {
  for (const int depth : {8, 16}) {
    for (const bool is_interlaced : {false, true}) {
      for (const int colours : {PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA}) {
        SCOPED_TRACE(testing::Message() << depth << " bits, " << is_interlaced << ' ' << colours);
        const auto samples = [&](uint32_t x, uint32_t y, int channel) {
          return Ramp(x, y, channel) * (depth == 16 ? 257 : 1);
        };
        const Decoded decoded = Decode(EncodePng({.width = 33,
                                                  .height = 19,
                                                  .bit_depth = depth,
                                                  .colours = colours,
                                                  .is_interlaced = is_interlaced},
                                                 samples));
        ASSERT_TRUE(decoded.image.ok()) << decoded.image.status();
        EXPECT_EQ(decoded.image->rows, 19u);
        EXPECT_EQ(decoded.image->complaint, "");
        EXPECT_EQ(
            WorstDifference(decoded, colours == PNG_COLOR_TYPE_RGB ? RampColour : RampColourAlpha),
            0);
      }
    }
  }
}

TEST(PngDecoder, Rounds16BitsToTheNearestOf8) {
  const Decoded decoded =
      Decode(EncodePng({.bit_depth = 16, .colours = PNG_COLOR_TYPE_GRAY},
                       [](uint32_t x, uint32_t y, int) { return x * 4999 + y * 11; }));
  ASSERT_TRUE(decoded.image.ok()) << decoded.image.status();
  EXPECT_EQ(WorstDifference(decoded,
                            [](uint32_t x, uint32_t y) {
                              const int gray = static_cast<int>((x * 4999 + y * 11 + 128) / 257);
                              return Colour{gray, gray, gray};
                            }),
            0);
}

TEST(PngDecoder, DecodesGrayOfEachDepthAndGrayWithAlpha) {
  for (const int depth : {1, 2, 4, 8}) {
    for (const bool is_interlaced : {false, true}) {
      SCOPED_TRACE(depth);
      const uint32_t most = (1u << depth) - 1;
      const Decoded decoded = Decode(EncodePng(
          {.bit_depth = depth, .colours = PNG_COLOR_TYPE_GRAY, .is_interlaced = is_interlaced},
          [&](uint32_t x, uint32_t y, int) { return (x + 3 * y) & most; }));
      ASSERT_TRUE(decoded.image.ok()) << decoded.image.status();
      EXPECT_EQ(WorstDifference(decoded,
                                [&](uint32_t x, uint32_t y) {
                                  const int gray =
                                      static_cast<int>(((x + 3 * y) & most) * 255 / most);
                                  return Colour{gray, gray, gray};
                                }),
                0);
    }
  }
  const Decoded decoded = Decode(EncodePng({.colours = PNG_COLOR_TYPE_GRAY_ALPHA}, Ramp));
  ASSERT_TRUE(decoded.image.ok()) << decoded.image.status();
  EXPECT_EQ(WorstDifference(decoded,
                            [](uint32_t x, uint32_t y) {
                              const int gray = static_cast<int>(Ramp(x, y, 0));
                              return Colour{gray, gray, gray, static_cast<int>(Ramp(x, y, 1))};
                            }),
            0);
}

TEST(PngDecoder, DecodesPalettesWithAndWithoutAlpha) {
  const std::vector<png_color> palette = {{1, 2, 3}, {200, 100, 50}, {9, 99, 199}};
  for (const std::vector<uint8_t>& alpha : {std::vector<uint8_t>{}, {0, 128}}) {
    for (const int depth : {2, 8}) {
      const Decoded decoded =
          Decode(EncodePng({.bit_depth = depth,
                            .colours = PNG_COLOR_TYPE_PALETTE,
                            .palette = palette,
                            .palette_alpha = alpha},
                           [](uint32_t x, uint32_t y, int) { return (x + y) % 3; }));
      ASSERT_TRUE(decoded.image.ok()) << decoded.image.status();
      EXPECT_EQ(WorstDifference(decoded,
                                [&](uint32_t x, uint32_t y) {
                                  const size_t index = (x + y) % 3;
                                  const png_color& entry = palette[index];
                                  return Colour{entry.red, entry.green, entry.blue,
                                                index < alpha.size() ? alpha[index] : 255};
                                }),
                0);
    }
  }
}

TEST(JpegDecoder, DecodesBaselineProgressiveAndGrayWithinATolerance) {
  for (const bool is_progressive : {false, true}) {
    const Decoded colour = Decode(EncodeJpeg({.is_progressive = is_progressive}, Smooth));
    ASSERT_TRUE(colour.image.ok()) << colour.image.status();
    EXPECT_EQ(colour.image->complaint, "");
    EXPECT_LE(WorstDifference(colour,
                              [](uint32_t x, uint32_t y) {
                                return Colour{static_cast<int>(Smooth(x, y, 0)),
                                              static_cast<int>(Smooth(x, y, 1)),
                                              static_cast<int>(Smooth(x, y, 2))};
                              }),
              6);
  }
  const Decoded gray =
      Decode(EncodeJpeg({.samples = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE}, Smooth));
  ASSERT_TRUE(gray.image.ok()) << gray.image.status();
  EXPECT_LE(WorstDifference(gray,
                            [](uint32_t x, uint32_t y) {
                              const int sample = static_cast<int>(Smooth(x, y, 0));
                              return Colour{sample, sample, sample};
                            }),
            3);
}

// What Adobe's programs write is inverted: 255 is no ink.
TEST(JpegDecoder, DecodesCmykAndYcckWithAdobesMarkerAndPlainCmykWithoutIt) {
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    for (const bool is_adobe : {true, false}) {
      if (stored == JCS_YCCK && !is_adobe) continue;  // nothing else says that it is that
      SCOPED_TRACE(testing::Message() << stored << ' ' << is_adobe);
      const Decoded decoded = Decode(EncodeJpeg(
          {.samples = JCS_CMYK, .stored = stored, .has_adobe_marker = is_adobe}, Smooth));
      ASSERT_TRUE(decoded.image.ok()) << decoded.image.status();
      EXPECT_LE(WorstDifference(decoded,
                                [&](uint32_t x, uint32_t y) {
                                  int light[4];
                                  for (int c = 0; c < 4; ++c) {
                                    const int sample = static_cast<int>(Smooth(x, y, c));
                                    light[c] = is_adobe ? sample : 255 - sample;
                                  }
                                  return Colour{Times(light[0], light[3]),
                                                Times(light[1], light[3]),
                                                Times(light[2], light[3])};
                                }),
                8);
    }
  }
}

TEST(WebpDecoder, DecodesLosslessExactlyAndLossyWithinATolerance) {
  for (const bool has_alpha : {false, true}) {
    const Decoded lossless = Decode(EncodeWebp({.has_alpha = has_alpha}, Smooth));
    const auto wanted = [&](uint32_t x, uint32_t y) {
      return Colour{static_cast<int>(Smooth(x, y, 0)), static_cast<int>(Smooth(x, y, 1)),
                    static_cast<int>(Smooth(x, y, 2)),
                    has_alpha ? static_cast<int>(Smooth(x, y, 3)) : 255};
    };
    ASSERT_TRUE(lossless.image.ok()) << lossless.image.status();
    EXPECT_LE(WorstDifference(lossless, wanted), has_alpha ? 1 : 0) << "rounded otherwise";
    const Decoded lossy =
        Decode(EncodeWebp({.is_lossless = false, .has_alpha = has_alpha}, Smooth));
    ASSERT_TRUE(lossy.image.ok()) << lossy.image.status();
    EXPECT_LE(WorstDifference(lossy, wanted), 12);
  }
}

TEST(DecodeBounds, OfEncodedBytesNamesBoth) {
  const PictureBytes png = EncodePng({}, Ramp);
  EXPECT_EQ(ErrorOf(png, {.encoded_bytes = png.size() - 1}),
            "RESOURCE_EXHAUSTED: picture: " + std::to_string(png.size()) + " bytes, over " +
                std::to_string(png.size() - 1));
  EXPECT_EQ(ErrorOf(png, {.encoded_bytes = png.size()}), "decoded");
}

TEST(DecodeBounds, OfWidthHeightAndPixelsHoldForEachFormatByItsHeader) {
  const std::pair<PictureBytes, std::string> pictures[] = {
      {EncodePng({.width = 40, .height = 24}, Ramp), "PNG"},
      {EncodeJpeg({}, Ramp), "JPEG"},
      {EncodeWebp({}, Ramp), "WebP"}};
  for (const auto& [bytes, name] : pictures) {
    EXPECT_EQ(ErrorOf(bytes, {.width = 39, .height = 30}),
              "RESOURCE_EXHAUSTED: " + name + ": 40x24 pixels, over 39x30");
    EXPECT_EQ(ErrorOf(bytes, {.width = 50, .height = 23}),
              "RESOURCE_EXHAUSTED: " + name + ": 40x24 pixels, over 50x23");
    EXPECT_EQ(ErrorOf(bytes, {.pixels = 959}),
              "RESOURCE_EXHAUSTED: " + name + ": 40x24 pixels, over 959 in all");
    EXPECT_EQ(ErrorOf(bytes, {.width = 40, .height = 24, .pixels = 960}), "decoded");
    // Also where nobody asks for the header first.
    std::vector<uint8_t> pixels(4);
    EXPECT_TRUE(absl::IsResourceExhausted(DecodeImage(bytes, {.pixels = 959}, pixels).status()));
  }
}

TEST(DecodeBounds, OfChunksHoldForPngs) {
  const PictureBytes png = EncodePng({}, Ramp);  // IHDR, IDAT, IEND
  EXPECT_EQ(ErrorOf(png, {.chunks = 2}), "RESOURCE_EXHAUSTED: PNG: more than 2 chunks");
  EXPECT_EQ(ErrorOf(png, {.chunks = 3}), "decoded");
}

TEST(DecodeBounds, OfScansAndOfWorkingMemoryHoldForProgressiveJpegs) {
  const PictureBytes jpeg = EncodeJpeg({.is_progressive = true}, Ramp);
  EXPECT_EQ(ErrorOf(jpeg, {.scans = 3}), "RESOURCE_EXHAUSTED: JPEG: more than 3 scans");
  EXPECT_EQ(ErrorOf(jpeg, {.scans = 12}), "decoded");
  const PictureBytes large =
      EncodeJpeg({.width = 1000, .height = 1000, .is_progressive = true}, Ramp);
  EXPECT_THAT(ErrorOf(large, {.working_bytes = 1'000'000}),
              HasSubstr("RESOURCE_EXHAUSTED: JPEG: "));
}

TEST(DecodeBounds, OfTimeHoldForEachFormat) {
  const DecodeBounds late = {.deadline = forkserver::NowNanos()};
  EXPECT_EQ(ErrorOf(EncodePng({}, Ramp), late),
            "DEADLINE_EXCEEDED: PNG: not decoded by its deadline");
  EXPECT_EQ(ErrorOf(EncodeJpeg({}, Ramp), late),
            "DEADLINE_EXCEEDED: JPEG: not decoded by its deadline");
  EXPECT_EQ(ErrorOf(EncodeJpeg({.is_progressive = true}, Ramp), late),
            "DEADLINE_EXCEEDED: JPEG: not decoded by its deadline");
  EXPECT_EQ(ErrorOf(EncodeWebp({}, Ramp), late),
            "DEADLINE_EXCEEDED: WebP: not decoded by its deadline");
}

TEST(ImageDecoder, WantsExactlyThePixelsMemory) {
  for (const NamedPicture& picture : SoundPictures()) {
    const ImageHeader header = *ReadImageHeader(picture.bytes, {});
    for (const size_t size : {size_t{0}, header.pixel_bytes() - 4, header.pixel_bytes() + 4}) {
      std::vector<uint8_t> pixels(size);
      EXPECT_TRUE(absl::IsInvalidArgument(DecodeImage(picture.bytes, {}, pixels).status()))
          << picture.name;
    }
    std::vector<uint8_t> odd(header.pixel_bytes() + 1);
    EXPECT_TRUE(absl::IsInvalidArgument(
        DecodeImage(picture.bytes, {}, std::span(odd).subspan(1)).status()));
  }
}

TEST(ImageDecoder, GivesOfAFileThatBreaksOffTheRowsThatCame) {
  const auto noise = [](uint32_t x, uint32_t y, int c) {
    return (x * x * 31 + y * y * 17 + static_cast<uint32_t>(c) * 5 + x * y) & 255;
  };
  PictureBytes png = EncodePng({.width = 64, .height = 64, .colours = PNG_COLOR_TYPE_RGB}, noise);
  PictureBytes webp = EncodeWebp({.width = 64, .height = 64}, noise);
  for (PictureBytes* bytes : {&png, &webp}) {
    const Decoded whole = Decode(*bytes);
    bytes->resize(bytes->size() / 2);
    const Decoded half = Decode(*bytes);
    ASSERT_TRUE(half.image.ok()) << half.image.status();
    EXPECT_THAT(half.image->complaint, HasSubstr("the file ends too early"));
    ASSERT_GT(half.image->rows, 5u);
    ASSERT_LT(half.image->rows, 60u);
    for (size_t i = 0; i < whole.pixels.size(); ++i) {
      ASSERT_EQ(half.pixels[i], i < half.image->rows * 64 ? whole.pixels[i] : 0u) << i;
    }
  }
}

TEST(ImageDecoder, GivesOfAnInterlacedPngThatBreaksOffACoarseOne) {
  // What libpng packs well is small, and lost with the last read.
  const auto samples = [](uint32_t x, uint32_t y, int) {
    return (x + y) / 2 + ((x * 2654435761u ^ y * 40503u) * 2246822519u >> 28);
  };
  PictureBytes png = EncodePng(
      {.width = 200, .height = 200, .colours = PNG_COLOR_TYPE_RGB, .is_interlaced = true}, samples);
  ASSERT_GT(png.size(), 4000u);
  png.resize(png.size() / 2);
  const Decoded half = Decode(png);
  ASSERT_TRUE(half.image.ok()) << half.image.status();
  EXPECT_EQ(half.image->rows, 200u);
  EXPECT_EQ(half.image->complaint, "PNG: the file ends too early");
  // Blocks of the first pass, of 8 pixels each way, at the worst.
  EXPECT_LE(WorstDifference(half,
                            [&](uint32_t x, uint32_t y) {
                              const int gray = static_cast<int>(samples(x, y, 0));
                              return Colour{gray, gray, gray};
                            }),
            25);
}

TEST(ImageDecoder, GivesOfAJpegThatBreaksOffAllRowsAndComplains) {
  PictureBytes jpeg = EncodeJpeg({.width = 64, .height = 64}, Smooth);
  jpeg.resize(jpeg.size() * 3 / 4);
  const Decoded half = Decode(jpeg);
  ASSERT_TRUE(half.image.ok()) << half.image.status();
  EXPECT_EQ(half.image->rows, 64u);
  EXPECT_EQ(half.image->complaint, "JPEG: Premature end of JPEG file");
  EXPECT_LE(std::abs(half.At(3, 3).red - static_cast<int>(Smooth(3, 3, 0))), 6);
  EXPECT_EQ(half.At(60, 60).alpha, 255);
}

TEST(ImageDecoder, DecodesAJpegAsStoredWhateverItsExifSays) {
  PictureBytes jpeg = EncodeJpeg({}, Smooth);
  constexpr uint8_t kTurnedLeft[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0,  'M', 'M',
                                     0,    42,   0, 0,  0,   8,   0,   1,   1, 18, 0,   3,
                                     0,    0,    0, 1,  0,   6,   0,   0,   0, 0,  0,   0};
  jpeg.insert(jpeg.begin() + 2, std::begin(kTurnedLeft), std::end(kTurnedLeft));
  const Decoded decoded = Decode(jpeg);
  ASSERT_TRUE(decoded.image.ok()) << decoded.image.status();
  EXPECT_EQ(decoded.image->header, (ImageHeader{ImageFormat::kJpeg, 40, 24}));
  EXPECT_EQ(decoded.image->complaint, "");
}

TEST(ImageDecoder, IsWarmedUpWithoutAnError) { EXPECT_EQ(WarmUpImageDecoder(), absl::OkStatus()); }

// Each is an error or a picture of at most the bounds; none is a crash, a leak or a read of what is
// not the file's, which is for the sanitizers to see.
TEST(HostilePictures, AreErrorsOfOneLineOrPictures) {
  const std::vector<NamedPicture>& pictures = HostilePictures();
  EXPECT_GT(pictures.size(), 400u);
  size_t refused = 0;
  for (const NamedPicture& picture : pictures) {
    SCOPED_TRACE(picture.name);
    // Of exactly that size, where sanitizers see a read beyond it.
    const PictureBytes bytes(picture.bytes.begin(), picture.bytes.end());
    const Decoded decoded = Decode(bytes);
    if (decoded.image.ok()) {
      EXPECT_EQ(CheckHeader(decoded.image->header, {}), absl::OkStatus());
      continue;
    }
    ++refused;
    const std::string error(decoded.image.status().message());
    EXPECT_FALSE(error.empty());
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_TRUE(error.starts_with("picture: ") || error.starts_with("PNG: ") ||
                error.starts_with("JPEG: ") || error.starts_with("WebP: "))
        << error;
  }
  EXPECT_GT(refused, 100u);
}

TEST(HostilePictures, SoundOnesHaveNothingHeldAgainstThem) {
  for (const NamedPicture& picture : SoundPictures()) {
    const Decoded decoded = Decode(picture.bytes);
    ASSERT_TRUE(decoded.image.ok()) << picture.name << decoded.image.status();
    EXPECT_EQ(decoded.image->complaint, "") << picture.name;
    EXPECT_EQ(decoded.image->rows, decoded.image->header.height) << picture.name;
  }
}

std::string ErrorOfHostile(std::string_view name) {
  for (const NamedPicture& picture : HostilePictures()) {
    if (picture.name == name) return ErrorOf(picture.bytes);
  }
  return "no such picture";
}

TEST(HostilePictures, ErrorsNameTheFormatAndTheLibrarysWord) {
  EXPECT_EQ(ErrorOfHostile("PNG of both 65535"),
            "RESOURCE_EXHAUSTED: PNG: 65535x65535 pixels, over 32767x32767");
  EXPECT_EQ(ErrorOfHostile("PNG with a wrong CRC of IHDR"),
            "INVALID_ARGUMENT: PNG: IHDR: CRC error");
  EXPECT_EQ(ErrorOfHostile("PNG of 70,000 texts"),
            "RESOURCE_EXHAUSTED: PNG: more than 65536 chunks");
  EXPECT_EQ(ErrorOfHostile("JPEG of 32767x32767"),
            "RESOURCE_EXHAUSTED: JPEG: 32767x32767 pixels, over 33554432 in all");
  EXPECT_EQ(ErrorOfHostile("JPEG of 1000 scans"), "RESOURCE_EXHAUSTED: JPEG: more than 100 scans");
  EXPECT_EQ(ErrorOfHostile("WebP that says that it is an animation"),
            "UNIMPLEMENTED: WebP: an animation, of which none is decoded");
}

// All that is packed beside the pixels is passed over: none of it is unpacked.
// libpng would have a word about each, if it looked at them.
TEST(HostilePictures, BombsInTextsAndProfilesAreNotUnpacked) {
  size_t bombs = 0;
  for (const NamedPicture& picture : HostilePictures()) {
    if (!picture.name.starts_with("PNG with 50 MB in a")) continue;
    ++bombs;
    const Decoded decoded = Decode(picture.bytes);
    ASSERT_TRUE(decoded.image.ok()) << decoded.image.status();
    EXPECT_EQ(decoded.image->complaint, "") << picture.name;
  }
  EXPECT_EQ(bombs, 3u);
}

}  // namespace
}  // namespace browser_host
