// The content side of the data decoder, against decoders that are right, wrong, hostile and dead.
// All in one process and one loop: no fork, no sandbox.
#include "examples/browser_host/decode/decoder_client.h"

#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "examples/browser_host/decode/image_decoder.h"
#include "tests/examples/decode/encode_pictures.h"
#include "transceiver/clock.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

using forkserver::EventLoop;
using forkserver::Mapping;
using forkserver::NowNanos;
using forkserver::Resolver;
using forkserver::UniqueFd;
using ::testing::HasSubstr;

// What a decoder does. Each default is right.
struct Conduct {
  std::function<void(Resolver<HeaderRead> resolver, HeaderRead header)> on_header =
      [](Resolver<HeaderRead> resolver, HeaderRead header) {
        resolver.Resolve(header).IgnoreError();
      };
  // `pixels` are written and unmapped.
  std::function<void(Resolver<PictureDecoded> resolver, PictureDecoded decoded, int pixels)>
      on_decoded = [](Resolver<PictureDecoded> resolver, PictureDecoded decoded, int) {
        resolver.Resolve(decoded).IgnoreError();
      };
};

class Decoder : public forkserver::Actor<Decoder, Decoding, forkserver::Side::kChild> {
 public:
  explicit Decoder(Conduct conduct) : conduct_(std::move(conduct)) {}

  absl::Status Receive(ReadHeader& message, Resolver<HeaderRead> resolver) {
    ++headers_;
    Mapping mapping;
    const absl::StatusOr<ImageHeader> header = ReadImageHeader(Bytes(message.picture, mapping), {});
    if (!header.ok()) {
      resolver.Reject(header.status());
    } else {
      conduct_.on_header(std::move(resolver), {header->format, header->width, header->height});
    }
    return absl::OkStatus();
  }
  absl::Status Receive(DecodePicture& message, Resolver<PictureDecoded> resolver) {
    Mapping mapping;
    const std::span<const uint8_t> bytes = Bytes(message.picture, mapping);
    const ImageHeader header = *ReadImageHeader(bytes, {});
    const int fd = message.pixels.fd.get();
    Mapping pixels;
    EXPECT_EQ(pixels.Map(header.pixel_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd), 0);
    const absl::StatusOr<DecodedImage> image = DecodeImage(bytes, {}, pixels.bytes());
    EXPECT_TRUE(image.ok()) << image.status();
    pixels.Unmap();
    conduct_.on_decoded(std::move(resolver),
                        {.header = {header.format, header.width, header.height},
                         .rows = image->rows,
                         .complaint = image->complaint},
                        fd);
    return absl::OkStatus();
  }
  void ActorDestroy(const forkserver::ActorEnd&) override {}

  int headers() const { return headers_; }

 private:
  static std::span<const uint8_t> Bytes(const EncodedPicture& picture, Mapping& mapping) {
    if (!picture.sealed) return picture.bytes.data;
    EXPECT_EQ(forkserver::MapSealedMemfd(picture.sealed->fd.get(), 1 << 30,
                                         forkserver::SealedAccess::kRead, mapping),
              0);
    return mapping.bytes();
  }

  Conduct conduct_;
  int headers_ = 0;
};

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

uint32_t Ramp(uint32_t x, uint32_t y, int channel) {
  return (x * 5 + y * 3 + static_cast<uint32_t>(channel) * 60) & 255;
}
// Noise, of more bytes than a message has.
uint32_t Noise(uint32_t x, uint32_t y, int channel) {
  return ((x * 2654435761u ^ y * 40503u) + static_cast<uint32_t>(channel) * 977) * 2246822519u >>
         24;
}

class DecoderClientTest : public testing::Test {
 protected:
  DecoderClientTest() : loop_(*EventLoop::Create(EventLoop::Backend::kPoll)) {}
  ~DecoderClientTest() override {
    client_.reset();
    decoder_.reset();
    EXPECT_EQ(OpenDescriptors(), descriptors_);
  }

  DecoderClient& Client(DecoderClient::Options options = {}) {
    client_ = std::make_unique<DecoderClient>(*loop_, std::move(options));
    return *client_;
  }
  void Connect(Conduct conduct = {}) {
    auto ends = forkserver::CreateEndpoints<Decoding>({.pid = getpid()}, {.pid = getpid()});
    ASSERT_TRUE(ends.ok()) << ends.status();
    decoder_ = std::make_unique<Decoder>(std::move(conduct));
    ASSERT_TRUE(decoder_->Bind(*loop_, std::move(ends->child)).ok());
    client_->Connect(std::move(ends->parent));
  }
  // The place of what will be said of it: "" until then.
  std::string& Decode(const PictureBytes& bytes) {
    std::string& said = *said_.emplace_back(std::make_unique<std::string>());
    const absl::Status begun = client_->Decode(bytes, [&](absl::StatusOr<DecodedPicture> picture) {
      EXPECT_EQ(said, "") << "a second time";
      said = picture.ok() ? "decoded" : picture.status().ToString();
      if (picture.ok()) picture_ = *std::move(picture);
    });
    if (!begun.ok()) said = "not begun: " + begun.ToString();
    return said;
  }
  void Until(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + 10 * forkserver::kNanosPerSecond;
    while (!done() && NowNanos() < deadline) loop_->Run(deadline);
    EXPECT_TRUE(done());
  }
  const std::string& Wait(const std::string& said) {
    Until([&] { return !said.empty(); });
    return said;
  }

  const size_t descriptors_ = OpenDescriptors();
  const std::unique_ptr<EventLoop> loop_;
  std::vector<std::unique_ptr<std::string>> said_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<DecoderClient> client_;
  std::optional<DecodedPicture> picture_;
};

TEST_F(DecoderClientTest, HasPixelsOfSmallAndOfLargePictures) {
  Client();
  Connect();
  for (const uint32_t size : {10u, 200u}) {
    const PictureBytes png = EncodePng({.width = size, .height = size}, Noise);
    EXPECT_EQ(png.size() > kMaxInlineBytes, size == 200);
    EXPECT_EQ(Wait(Decode(png)), "decoded");
    std::vector<uint8_t> pixels(picture_->header.pixel_bytes());
    ASSERT_TRUE(DecodeImage(png, {}, pixels).ok());
    EXPECT_EQ(picture_->rows, size);
    EXPECT_TRUE(std::ranges::equal(pixels, picture_->pixels.bytes()));
  }
}

TEST_F(DecoderClientTest, TellsTheDecodersErrorInOneLine) {
  Client();
  Connect({.on_header = [](Resolver<HeaderRead> resolver, HeaderRead) {
    resolver.Reject(absl::DataLossError("PNG: a\nlie\x1b[2J"));
  }});
  EXPECT_EQ(Wait(Decode({1, 2, 3})), "INVALID_ARGUMENT: picture: neither PNG nor JPEG nor WebP");
  EXPECT_EQ(Wait(Decode(EncodePng({}, Ramp))), "DATA_LOSS: PNG: a\\x0alie\\x1b[2J");
}

// With a descriptor that the decoder has kept, and after it has ended well.
TEST_F(DecoderClientTest, PixelsCanBeChangedByNobodyOnceTheyAreThere) {
  Client();
  UniqueFd kept;
  Connect(
      {.on_decoded = [&](Resolver<PictureDecoded> resolver, PictureDecoded decoded, int pixels) {
        kept.reset(fcntl(pixels, F_DUPFD_CLOEXEC, 0));
        resolver.Resolve(decoded).IgnoreError();
      }});
  EXPECT_EQ(Wait(Decode(EncodePng({}, Ramp))), "decoded");
  EXPECT_EQ(pwrite(kept.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  Mapping mapping;
  EXPECT_EQ(mapping.Map(4, PROT_READ | PROT_WRITE, MAP_SHARED, kept.get()), EPERM);
  EXPECT_NE(ftruncate(kept.get(), 0), 0);
}

TEST_F(DecoderClientTest, PixelsThatTheDecoderKeepsMappedAreAnError) {
  Client();
  Mapping kept;
  Connect(
      {.on_decoded = [&](Resolver<PictureDecoded> resolver, PictureDecoded decoded, int pixels) {
        EXPECT_EQ(kept.Map(4, PROT_READ | PROT_WRITE, MAP_SHARED, pixels), 0);
        resolver.Resolve(decoded).IgnoreError();
      }});
  EXPECT_THAT(Wait(Decode(EncodePng({}, Ramp))), HasSubstr("F_ADD_SEALS memfd pixels: EBUSY"));
}

TEST_F(DecoderClientTest, HoldsTheDecodersWordAgainstItsBounds) {
  const std::pair<HeaderRead, std::string> lies[] = {
      {{ImageFormat::kPng, 0, 1}, "INVALID_ARGUMENT: PNG: 0x1 pixels"},
      {{ImageFormat::kJpeg, UINT32_MAX, UINT32_MAX},
       "RESOURCE_EXHAUSTED: JPEG: 4294967295x4294967295 pixels, over 32767x32767"},
      {{ImageFormat::kWebp, 30'000, 30'000},
       "RESOURCE_EXHAUSTED: WebP: 30000x30000 pixels, over 33554432 in all"}};
  for (const auto& [lie, error] : lies) {
    Client();
    Connect({.on_header = [lie = lie](Resolver<HeaderRead> resolver, HeaderRead) {
      resolver.Resolve(lie).IgnoreError();
    }});
    EXPECT_EQ(Wait(Decode(EncodePng({}, Ramp))), error);
  }
}

TEST_F(DecoderClientTest, RefusesAnotherSizeAndMoreRowsThanThereAre) {
  const std::pair<std::function<void(PictureDecoded&)>, std::string> lies[] = {
      {[](PictureDecoded& decoded) { ++decoded.header.width; },
       "INTERNAL: data decoder: another size than it said first"},
      {[](PictureDecoded& decoded) { decoded.header.format = ImageFormat::kJpeg; },
       "INTERNAL: data decoder: another size than it said first"},
      {[](PictureDecoded& decoded) { ++decoded.rows; },
       "INTERNAL: data decoder: more rows than the picture has"}};
  for (const auto& [lie, error] : lies) {
    Client();
    Connect(
        {.on_decoded = [lie = lie](Resolver<PictureDecoded> resolver, PictureDecoded decoded, int) {
          lie(decoded);
          resolver.Resolve(decoded).IgnoreError();
        }});
    EXPECT_EQ(Wait(Decode(EncodePng({}, Ramp))), error);
  }
}

TEST_F(DecoderClientTest, AsksForADecoderOnceAndDecodesWhatHasWaitedForIt) {
  int asked = 0;
  Client({.need_decoder = [&] { ++asked; }});
  std::string& first = Decode(EncodePng({}, Ramp));
  std::string& second = Decode(EncodeJpeg({}, Ramp));
  Until([&] { return asked > 0; });
  Connect();
  EXPECT_EQ(Wait(first), "decoded");
  EXPECT_EQ(Wait(second), "decoded");
  EXPECT_EQ(asked, 1);
}

TEST_F(DecoderClientTest, WithoutADecoderAllThatWaitAreTold) {
  int asked = 0;
  Client({.need_decoder = [&] {
    ++asked;
    client_->Fail(absl::UnavailableError("data-decoder: gave up after 3 ends"));
  }});
  std::string& first = Decode(EncodePng({}, Ramp));
  std::string& second = Decode(EncodePng({}, Ramp));
  EXPECT_EQ(first, "") << "not before Decode has returned";
  EXPECT_EQ(Wait(first), "UNAVAILABLE: data-decoder: gave up after 3 ends");
  EXPECT_EQ(Wait(second), first);
  EXPECT_EQ(asked, 1);
  Wait(Decode(EncodePng({}, Ramp)));
  EXPECT_EQ(asked, 2);
}

TEST_F(DecoderClientTest, DecoderThatDiesTakesWhatItHadAndTheNextOneDoesTheRest) {
  int asked = 0;
  Client({.most_under_way = 1, .need_decoder = [&] { ++asked; }});
  Connect({.on_header = [&](Resolver<HeaderRead>, HeaderRead) { decoder_.reset(); }});
  std::string& first = Decode(EncodePng({}, Ramp));
  std::string& second = Decode(EncodePng({}, Ramp));
  EXPECT_THAT(Wait(first), HasSubstr("UNAVAILABLE"));
  Until([&] { return asked == 1; });
  EXPECT_EQ(second, "");
  Connect();
  EXPECT_EQ(Wait(second), "decoded");
  EXPECT_EQ(asked, 1);
}

TEST_F(DecoderClientTest, PictureThatIsNotAnsweredInTimeIsGivenUpAndItsLateAnswerForgotten) {
  Client({.patience = absl::Milliseconds(20)});
  std::optional<Resolver<HeaderRead>> late;
  HeaderRead header;
  Connect({.on_header = [&](Resolver<HeaderRead> resolver, HeaderRead read) {
    if (late) {
      resolver.Resolve(read).IgnoreError();
    } else {
      late = std::move(resolver);
      header = read;
    }
  }});
  EXPECT_EQ(Wait(Decode(EncodePng({}, Ramp))), "DEADLINE_EXCEEDED: picture: no answer in time");
  EXPECT_EQ(client_->pictures(), 0u);
  late->Resolve(header).IgnoreError();
  EXPECT_EQ(Wait(Decode(EncodePng({}, Ramp))), "decoded");
}

TEST_F(DecoderClientTest, WhatIsForgottenIsInNobodysWayAndToldNobody) {
  Client({.most_under_way = 2});
  std::vector<Resolver<HeaderRead>> late;
  HeaderRead header;
  Connect({.on_header = [&](Resolver<HeaderRead> resolver, HeaderRead read) {
    header = read;
    if (late.size() == 2) return resolver.Resolve(read).IgnoreError();
    late.push_back(std::move(resolver));
  }});
  for (int i = 0; i < 5; ++i) Decode(EncodePng({}, Ramp));
  Until([&] { return late.size() == 2; });
  client_->Forget();
  EXPECT_EQ(client_->pictures(), 0u);
  std::string& next = Decode(EncodePng({}, Ramp));
  // Of one of those its pixels are not asked for any more; the other one is still at work.
  late[0].Resolve(header).IgnoreError();
  EXPECT_EQ(Wait(next), "decoded");
  EXPECT_EQ(decoder_->headers(), 3);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(*said_[static_cast<size_t>(i)], "");
}

TEST_F(DecoderClientTest, GivesADecoderNoMoreAtATimeThanItsBound) {
  Client({.patience = absl::Milliseconds(20), .most_under_way = 2});
  std::vector<Resolver<HeaderRead>> never;
  Connect({.on_header = [&](Resolver<HeaderRead> resolver, HeaderRead) {
    never.push_back(std::move(resolver));
  }});
  for (int i = 0; i < 5; ++i) Decode(EncodePng({}, Ramp));
  Wait(*said_.back());
  EXPECT_EQ(decoder_->headers(), 2);
}

TEST_F(DecoderClientTest, BoundsWhatWaits) {
  Client({.bounds = {.encoded_bytes = 1000}, .most_pictures = 3, .most_encoded_bytes = 1500});
  EXPECT_EQ(Decode(PictureBytes(1001)),
            "not begun: RESOURCE_EXHAUSTED: picture: 1001 bytes, over 1000");
  EXPECT_EQ(Decode(PictureBytes(1000)), "");
  EXPECT_EQ(Decode(PictureBytes(501)),
            "not begun: RESOURCE_EXHAUSTED: picture: 1000 bytes wait already");
  EXPECT_EQ(Decode(PictureBytes(250)), "");
  EXPECT_EQ(Decode(PictureBytes(250)), "");
  EXPECT_EQ(Decode({}), "not begun: RESOURCE_EXHAUSTED: picture: 3 wait already");
  Connect();
  Wait(*said_[4]);
  EXPECT_EQ(client_->pictures(), 0u);
  EXPECT_EQ(Decode(PictureBytes(1000)), "") << "there is room again";
}

TEST_F(DecoderClientTest, ReplacedDecoderTakesWhatItHadWithIt) {
  Client({.most_under_way = 1});
  std::vector<Resolver<HeaderRead>> never;
  Connect({.on_header = [&](Resolver<HeaderRead> resolver, HeaderRead) {
    never.push_back(std::move(resolver));
  }});
  std::string& first = Decode(EncodePng({}, Ramp));
  std::string& second = Decode(EncodePng({}, Ramp));
  Until([&] { return !never.empty(); });
  Connect();
  EXPECT_EQ(first, "UNAVAILABLE: picture: its decoder was replaced");
  EXPECT_EQ(Wait(second), "decoded");
}

// By an answer, a refusal, the decoder's end, a deadline, Fail.
TEST_F(DecoderClientTest, MayBeDestroyedByItsCallbacks) {
  for (const std::string way : {"answer", "refusal", "end", "deadline", "fail", "replaced"}) {
    SCOPED_TRACE(way);
    Client({.patience = way == "deadline" ? absl::Milliseconds(10) : absl::Seconds(10)});
    Conduct conduct;
    std::vector<Resolver<HeaderRead>> never;
    if (way != "answer" && way != "refusal") {
      conduct.on_header = [&](Resolver<HeaderRead> resolver, HeaderRead) {
        if (way == "end") return decoder_.reset();
        never.push_back(std::move(resolver));
      };
    }
    Connect(conduct);
    int answers = 0;
    for (int i = 0; i < 3; ++i) {
      const PictureBytes bytes = way == "refusal" ? PictureBytes(9) : EncodePng({}, Ramp);
      ASSERT_TRUE(client_
                      ->Decode(bytes,
                               [&](absl::StatusOr<DecodedPicture>) {
                                 ++answers;
                                 client_.reset();
                               })
                      .ok());
    }
    if (way == "replaced") {
      Until([&] { return never.size() == 2; });
      Connect();
    }
    if (way == "fail") client_->Fail(absl::UnavailableError("no decoder"));
    Until([&] { return client_ == nullptr; });
    EXPECT_EQ(answers, 1);
  }
}

}  // namespace
}  // namespace browser_host
