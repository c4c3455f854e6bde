#include "tests/examples/decode/hostile_pictures.h"

#include <zlib.h>

#include <string_view>
#include <utility>

namespace browser_host {
namespace {

uint32_t Ramp(uint32_t x, uint32_t y, int channel) {
  return (x * 5 + y * 3 + static_cast<uint32_t>(channel) * 40) & 255;
}

PictureBytes Packed(size_t zeros) {
  const PictureBytes plain(zeros);
  uLongf size = compressBound(zeros);
  PictureBytes packed(size);
  compress2(packed.data(), &size, plain.data(), zeros, 9);
  packed.resize(size);
  return packed;
}

PictureBytes Inserted(PictureBytes into, size_t at, const PictureBytes& bytes) {
  into.insert(into.begin() + static_cast<long>(at), bytes.begin(), bytes.end());
  return into;
}

PictureBytes Without(PictureBytes from, size_t at, size_t size) {
  from.erase(from.begin() + static_cast<long>(at), from.begin() + static_cast<long>(at + size));
  return from;
}

PictureBytes FromText(std::string_view text) { return {text.begin(), text.end()}; }

void AddBrokenOff(const NamedPicture& sound, std::vector<NamedPicture>& pictures) {
  const size_t step = sound.bytes.size() / 24 + 1;
  for (size_t size = 0; size < sound.bytes.size(); size += step) {
    pictures.push_back({sound.name + ", the first " + std::to_string(size) + " bytes",
                        {sound.bytes.begin(), sound.bytes.begin() + static_cast<long>(size)}});
  }
}

void AddFlipped(const NamedPicture& sound, std::vector<NamedPicture>& pictures) {
  const size_t step = sound.bytes.size() / 24 + 1;
  for (size_t at = 0; at < sound.bytes.size(); at += step) {
    PictureBytes flipped = sound.bytes;
    flipped[at] ^= static_cast<uint8_t>(1 + at * 37);
    if (flipped[at] == sound.bytes[at]) flipped[at] ^= 0x80;
    pictures.push_back({sound.name + ", byte " + std::to_string(at) + " changed", flipped});
  }
}

void AddHarmfulPngs(std::vector<NamedPicture>& pictures) {
  const PictureBytes png = EncodePng({}, Ramp);
  const size_t data = FindPngChunk(png, "IDAT");
  const size_t end = FindPngChunk(png, "IEND");
  for (const uint32_t size : {0u, 32'768u, 65'535u, 1'000'000u, 0x7fff'ffffu, 0xffff'ffffu}) {
    pictures.push_back({"PNG of width " + std::to_string(size), WithPngSize(png, size, 7)});
    pictures.push_back({"PNG of height " + std::to_string(size), WithPngSize(png, 13, size)});
    pictures.push_back({"PNG of both " + std::to_string(size), WithPngSize(png, size, size)});
  }
  pictures.push_back({"PNG that is larger than its data", WithPngSize(png, 2000, 2000)});
  // 30 KiB that are 30 MB of pixels, which is within the bounds, and as much again behind the end.
  PictureBytes bomb(png.begin(), png.begin() + static_cast<long>(data));
  const PictureBytes zeros = PngChunk("IDAT", Packed(60'000'000));
  bomb.insert(bomb.end(), zeros.begin(), zeros.end());
  bomb.insert(bomb.end(), png.begin() + static_cast<long>(end), png.end());
  pictures.push_back({"PNG of zeros", WithPngSize(bomb, 2700, 2700)});
  pictures.push_back({"PNG of far more zeros than it says", WithPngSize(bomb, 10, 10)});
  for (const std::string_view type : {"zTXt", "iCCP", "iTXt"}) {
    PictureBytes packed = FromText(type == "iTXt" ? std::string_view("k\0\1\0\0\0", 6)
                                                  : std::string_view("k\0\0", 3));
    const PictureBytes text = Packed(50'000'000);
    packed.insert(packed.end(), text.begin(), text.end());
    pictures.push_back(
        {"PNG with 50 MB in a " + std::string(type), Inserted(png, data, PngChunk(type, packed))});
  }
  PictureBytes many;
  for (int i = 0; i < 70'000; ++i) {
    const PictureBytes one = PngChunk("tEXt", FromText("k"));
    many.insert(many.end(), one.begin(), one.end());
  }
  pictures.push_back({"PNG of 70,000 texts", Inserted(png, data, many)});
  many.clear();
  for (int i = 0; i < 50'000; ++i) {
    const PictureBytes one = PngChunk("IDAT", {});
    many.insert(many.end(), one.begin(), one.end());
  }
  pictures.push_back({"PNG of 50,000 empty IDATs", Inserted(png, data, many)});
  for (const std::string_view type : {"IHDR", "IDAT", "IEND"}) {
    PictureBytes wrong = png;
    const size_t at = FindPngChunk(png, type);
    const size_t crc = at + 8 + (type == "IHDR" ? 13 : type == "IDAT" ? end - data - 12 : 0);
    wrong[crc] ^= 1;
    pictures.push_back({"PNG with a wrong CRC of " + std::string(type), wrong});
    pictures.push_back({"PNG whose " + std::string(type) + " says that it has 2 GB",
                        WithBigEndian32(png, at, 0x7fff'fff0)});
  }
  pictures.push_back({"PNG without IDAT", Without(png, data, end - data)});
  pictures.push_back({"PNG without IHDR", Without(png, 8, 25)});
  pictures.push_back({"PNG of two IHDRs", Inserted(png, 8, PngChunk("IHDR", PictureBytes(13, 1)))});
  const PictureBytes indexed =
      EncodePng({.colours = PNG_COLOR_TYPE_PALETTE, .palette = {{1, 2, 3}, {4, 5, 6}}},
                [](uint32_t x, uint32_t, int) { return x & 1; });
  const size_t palette = FindPngChunk(indexed, "PLTE");
  pictures.push_back({"PNG without its palette", Without(indexed, palette, 18)});
  const PictureBytes all = EncodePng(
      {.colours = PNG_COLOR_TYPE_PALETTE, .palette = std::vector<png_color>(256, {1, 2, 3})},
      [](uint32_t x, uint32_t y, int) { return (x * 31 + y) & 255; });
  const size_t all_palette = FindPngChunk(all, "PLTE");
  pictures.push_back({"PNG of indices beyond its palette",
                      Inserted(Without(all, all_palette, 12 + 3 * 256), all_palette,
                               PngChunk("PLTE", PictureBytes(3)))});
  pictures.push_back({"PNG with more alpha than palette",
                      Inserted(indexed, palette + 18, PngChunk("tRNS", PictureBytes(300, 7)))});
}

// Where a JPEG's marker with that code begins.
size_t FindMarker(const PictureBytes& jpeg, uint8_t code) {
  size_t at = 2;
  while (jpeg[at + 1] != code) at += 2 + (size_t{jpeg[at + 2]} << 8 | jpeg[at + 3]);
  return at;
}

void AddHarmfulJpegs(std::vector<NamedPicture>& pictures) {
  const PictureBytes jpeg = EncodeJpeg({}, Ramp);
  const size_t frame = FindMarker(jpeg, 0xc0);
  const size_t scan = FindMarker(jpeg, 0xda);
  for (const auto& [width, height] : {std::pair(0xffff, 0xffff),
                                      {0, 24},
                                      {40, 0},
                                      {32767, 32767},
                                      {65500, 65500},
                                      {32767, 1},
                                      {3000, 3000}}) {
    PictureBytes sized = jpeg;
    sized[frame + 5] = static_cast<uint8_t>(height >> 8);
    sized[frame + 6] = static_cast<uint8_t>(height);
    sized[frame + 7] = static_cast<uint8_t>(width >> 8);
    sized[frame + 8] = static_cast<uint8_t>(width);
    pictures.push_back({"JPEG of " + std::to_string(width) + "x" + std::to_string(height), sized});
  }
  const PictureBytes progressive = EncodeJpeg({.is_progressive = true}, Ramp);
  // The last scan again and again, each of which goes over all blocks.
  size_t last = 0;
  for (size_t at = 0; at + 1 < progressive.size(); ++at) {
    if (progressive[at] == 0xff && progressive[at + 1] == 0xda) last = at;
  }
  const PictureBytes again(progressive.begin() + static_cast<long>(last), progressive.end() - 2);
  PictureBytes scans;
  for (int i = 0; i < 1000; ++i) scans.insert(scans.end(), again.begin(), again.end());
  const PictureBytes many = Inserted(progressive, progressive.size() - 2, scans);
  pictures.push_back({"JPEG of 1000 scans", many});
  PictureBytes large = many;
  const size_t progressive_frame = FindMarker(large, 0xc2);
  large[progressive_frame + 5] = large[progressive_frame + 7] = 0x10;
  pictures.push_back({"JPEG of 4096 pixels each way and 1000 scans", large});
  pictures.push_back({"JPEG without a frame", Without(jpeg, frame, 19)});
  pictures.push_back(
      {"JPEG without a scan", {jpeg.begin(), jpeg.begin() + static_cast<long>(scan)}});
  const size_t tables = FindMarker(jpeg, 0xdb);
  pictures.push_back({"JPEG without its tables", Without(jpeg, tables, 69)});
  pictures.push_back(
      {"JPEG of two frames", Inserted(jpeg, frame,
                                      {jpeg.begin() + static_cast<long>(frame),
                                       jpeg.begin() + static_cast<long>(frame) + 19})});
  PictureBytes components = jpeg;
  components[frame + 9] = 200;
  pictures.push_back({"JPEG of 200 components", components});
  PictureBytes sampling = jpeg;
  sampling[frame + 11] = 0xff;
  pictures.push_back({"JPEG of sampling 15x15", sampling});
  PictureBytes marker(65'535, 0);
  marker[0] = 0xff, marker[1] = 0xe1, marker[2] = 0xff, marker[3] = 0xfd;
  PictureBytes markers;
  for (int i = 0; i < 100; ++i) markers.insert(markers.end(), marker.begin(), marker.end());
  pictures.push_back({"JPEG with 6 MB of EXIF", Inserted(jpeg, 2, markers)});
  pictures.push_back(
      {"JPEG of markers only", Inserted({0xff, 0xd8}, 2, PictureBytes(100'000, 0xff))});
}

void AddHarmfulWebps(std::vector<NamedPicture>& pictures) {
  const PictureBytes lossy = EncodeWebp({.is_lossless = false}, Ramp);
  PictureBytes huge = lossy;  // RIFF, size, WEBP, VP8 , size, 3 of frame, 3 of start, sizes
  huge[26] = huge[28] = 0xff, huge[27] = huge[29] = 0x3f;
  pictures.push_back({"WebP of 16383x16383", huge});
  PictureBytes larger = lossy;
  larger[27] = larger[29] = 0x08;
  pictures.push_back({"WebP that is larger than its data", larger});
  const PictureBytes lossless = EncodeWebp({}, Ramp);
  PictureBytes lossless_huge = lossless;  // a byte of signature, 14 bits of width, 14 of height
  lossless_huge[21] = lossless_huge[22] = lossless_huge[23] = 0xff;
  pictures.push_back({"lossless WebP of 16383 pixels each way", lossless_huge});
  const PictureBytes extended = {'V', 'P', '8', 'X', 10, 0, 0, 0, 0x02, 0, 0, 0, 9, 0, 0, 9, 0, 0};
  pictures.push_back({"WebP that says that it is an animation", Inserted(lossy, 12, extended)});
  PictureBytes other = extended;
  other[8] = 0;
  pictures.push_back({"WebP whose canvas is another size", Inserted(lossy, 12, other)});
  for (const size_t size_at : {size_t{4}, size_t{16}}) {
    for (const uint8_t value : {uint8_t{0}, uint8_t{1}, uint8_t{0xff}}) {
      PictureBytes lying = lossy;
      for (size_t i = 0; i < 4; ++i) lying[size_at + i] = value;
      pictures.push_back({"WebP whose size at " + std::to_string(size_at) + " is " +
                              std::to_string(value) + " in each byte",
                          lying});
    }
  }
}

}  // namespace

std::vector<NamedPicture> SoundPictures() {
  const auto index = [](uint32_t x, uint32_t y, int) { return (x + y) & 3; };
  return {
      {"PNG", EncodePng({}, Ramp)},
      {"interlaced PNG", EncodePng({.is_interlaced = true}, Ramp)},
      {"PNG of 16 bits", EncodePng({.bit_depth = 16, .colours = PNG_COLOR_TYPE_RGB}, Ramp)},
      {"PNG with a palette",
       EncodePng({.bit_depth = 2,
                  .colours = PNG_COLOR_TYPE_PALETTE,
                  .palette = {{1, 2, 3}, {40, 50, 60}, {100, 90, 80}, {255, 255, 255}},
                  .palette_alpha = {0, 100}},
                 index)},
      {"JPEG", EncodeJpeg({}, Ramp)},
      {"gray JPEG", EncodeJpeg({.samples = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE}, Ramp)},
      {"progressive JPEG", EncodeJpeg({.is_progressive = true}, Ramp)},
      {"CMYK JPEG", EncodeJpeg({.samples = JCS_CMYK, .stored = JCS_YCCK}, Ramp)},
      {"lossy WebP", EncodeWebp({.is_lossless = false}, Ramp)},
      {"lossy WebP with alpha", EncodeWebp({.is_lossless = false, .has_alpha = true}, Ramp)},
      {"lossless WebP", EncodeWebp({.has_alpha = true}, Ramp)},
  };
}

namespace {

std::vector<NamedPicture> MakeHostilePictures() {
  std::vector<NamedPicture> pictures = {
      {"nothing", {}},
      {"zeros", PictureBytes(5000)},
      {"text", FromText("<!doctype html><title>no picture</title>")},
      {"a PNG's first bytes and zeros",
       Inserted(PictureBytes(500), 0, FromText("\x89PNG\r\n\x1a\n"))},
      {"33 MiB", Inserted(PictureBytes(size_t{33} << 20), 0, FromText("\x89PNG\r\n\x1a\n"))}};
  for (const NamedPicture& sound : SoundPictures()) {
    AddBrokenOff(sound, pictures);
    AddFlipped(sound, pictures);
  }
  AddHarmfulPngs(pictures);
  AddHarmfulJpegs(pictures);
  AddHarmfulWebps(pictures);
  return pictures;
}

}  // namespace

const std::vector<NamedPicture>& HostilePictures() {
  static const std::vector<NamedPicture> kPictures = MakeHostilePictures();
  return kPictures;
}

}  // namespace browser_host
