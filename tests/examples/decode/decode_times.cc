// What a decoding costs in the data decoder's process, beside the same one in this process; and
// what the first one costs a fresh decoder.
//
//     bazel run --config=opt //tests/examples/decode:decode_times              its template is warm
//     bazel run --config=opt //tests/examples/decode:decode_times -- --cold    it is not
//
// Medians, in microseconds. All memory is fresh each time, on both sides.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "examples/browser_host/decode/image_decoder.h"
#include "tests/examples/decode/decoder_process.h"
#include "transceiver/clock.h"
#include "transceiver/mapping.h"

namespace browser_host {
namespace {

constexpr int kTimes = 21;

int64_t Micros(const std::function<void()>& what) {
  const int64_t start = forkserver::NowNanos();
  what();
  return (forkserver::NowNanos() - start) / 1000;
}

int64_t Median(std::vector<int64_t> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

// Slopes, edges and some noise, as photographs have them.
uint32_t Scene(uint32_t x, uint32_t y, int channel) {
  const uint32_t noise = (x * 2654435761u ^ y * 40503u) * 2246822519u >> 29;
  const uint32_t edge = ((x / 97) ^ (y / 61)) % 2 * 60;
  return std::min(255u, (x + y) / 16 + edge + noise + static_cast<uint32_t>(channel) * 17);
}

std::vector<std::pair<std::string, PictureBytes>> Pictures(uint32_t size) {
  return {
      {"PNG", EncodePng({.width = size, .height = size, .colours = PNG_COLOR_TYPE_RGB}, Scene)},
      {"PNG, alpha", EncodePng({.width = size, .height = size}, Scene)},
      {"JPEG", EncodeJpeg({.width = size, .height = size, .quality = 85}, Scene)},
      {"JPEG, progressive",
       EncodeJpeg({.width = size, .height = size, .is_progressive = true, .quality = 85}, Scene)},
      {"WebP", EncodeWebp({.width = size, .height = size, .is_lossless = false}, Scene)},
      {"WebP, lossless", EncodeWebp({.width = size, .height = size}, Scene)}};
}

void DecodeHere(const PictureBytes& bytes) {
  const ImageHeader header = *ReadImageHeader(bytes, {});
  forkserver::Mapping pixels;
  if (pixels.Map(header.pixel_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1) !=
      0) {
    return;
  }
  if (!DecodeImage(bytes, {}, pixels.bytes()).ok()) printf("not decoded\n");
}

void DecodeThere(DecoderTest& decoder, const PictureBytes& bytes) {
  bool is_there = false;
  const absl::Status begun =
      decoder.client().Decode(bytes, [&](absl::StatusOr<DecodedPicture> picture) {
        is_there = true;
        if (!picture.ok()) printf("%s\n", picture.status().ToString().c_str());
      });
  if (begun.ok()) decoder.Until([&] { return is_there; });
}

void PrintBoth(DecoderTest& decoder, uint32_t size) {
  for (const auto& [name, bytes] : Pictures(size)) {
    std::vector<int64_t> here;
    std::vector<int64_t> there;
    for (int i = 0; i < kTimes; ++i) {
      here.push_back(Micros([&] { DecodeHere(bytes); }));
      there.push_back(Micros([&] { DecodeThere(decoder, bytes); }));
    }
    printf("%4ux%-4u %-18s %8zu bytes  here %7ld  there %7ld  ratio %.2f\n", size, size,
           name.c_str(), bytes.size(), Median(here), Median(there),
           static_cast<double>(Median(there)) / static_cast<double>(Median(here)));
  }
}

// Each in a decoder of its own, which has a line already.
void PrintFirst(DecoderTest& decoder) {
  for (const auto& [name, bytes] : Pictures(32)) {
    std::vector<int64_t> first;
    std::vector<int64_t> second;
    for (int i = 0; i < kTimes; ++i) {
      decoder.Reconnect();
      first.push_back(Micros([&] { DecodeThere(decoder, bytes); }));
      second.push_back(Micros([&] { DecodeThere(decoder, bytes); }));
      const int ends = decoder.service().ends();
      (*decoder.service().Need())->ShutDown();
      decoder.Until([&] { return decoder.service().process() == nullptr; });
      if (decoder.service().ends() != ends) printf("it ended otherwise\n");
    }
    printf("  32x32   %-18s first %6ld  second %6ld\n", name.c_str(), Median(first),
           Median(second));
  }
}

// The largest picture that the bounds let through, of the format that is held to no deadline.
void PrintLargest() {
  for (const bool is_lossless : {false, true}) {
    const PictureBytes bytes =
        EncodeWebp({.width = 8192, .height = 4096, .is_lossless = is_lossless}, Scene);
    printf("8192x4096 WebP%s %zu bytes  here %ld\n", is_lossless ? ", lossless" : "", bytes.size(),
           Micros([&] { DecodeHere(bytes); }));
  }
}

}  // namespace
}  // namespace browser_host

int main(int argc, char** argv) {
  using namespace browser_host;
  const bool is_cold = argc > 1 && strcmp(argv[1], "--cold") == 0;
  auto setup = DecoderHostSetup(is_cold ? Warmth::kCold : Warmth::kWarm);
  const auto server = forkserver::ForkServer::Start(argc, argv, std::move(setup.options));
  if (!server.ok()) {
    fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }
  DecoderTest decoder(**server);
  printf("%s\n", is_cold ? "cold" : "warm");
  PrintFirst(decoder);
  if (is_cold) return 0;
  PrintBoth(decoder, 1000);
  PrintBoth(decoder, 32);
  PrintLargest();
  return 0;
}
