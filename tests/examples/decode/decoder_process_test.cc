// The data decoder as a process, in its sandbox, over lines.
#include "tests/examples/decode/decoder_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "child/sandbox/sandbox_report.h"
#include "examples/browser_host/decode/decoder_child.h"
#include "tests/examples/decode/hostile_pictures.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {
testing::HostSetup testing::SetUpHost(const std::string&) {
  return browser_host::DecoderHostSetup();
}
}  // namespace forkserver

namespace browser_host {
namespace {

using forkserver::UniqueFd;
using ::testing::HasSubstr;

std::string RefusedCalls(const forkserver::ForkServer& server) {
  std::string all;
  for (const auto& refused : server.refused_calls()) all += ToString(refused) + "\n";
  return all;
}

uint32_t Ramp(uint32_t x, uint32_t y, int channel) {
  return (x * 5 + y * 3 + static_cast<uint32_t>(channel) * 60) & 255;
}

HOST_TEST(DecoderProcess, DecodesAllFormatsUnderComputeOnly) {
  DecoderTest decoder(server);
  for (const NamedPicture& picture : SoundPictures()) {
    EXPECT_EQ(decoder.Decode(picture.bytes), SaidOf(picture.bytes)) << picture.name;
  }
  const PictureBytes large = EncodeJpeg({.width = 1000, .height = 700}, Ramp);
  EXPECT_GT(large.size(), kMaxInlineBytes);
  EXPECT_EQ(decoder.Decode(large), SaidOf(large));
#ifndef __SANITIZE_ADDRESS__
  ASSERT_NE(decoder.service().process()->sandbox, nullptr);
  EXPECT_EQ(decoder.service().process()->sandbox->policy,
            forkserver::SandboxPolicyId::kComputeOnly);
#endif
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(DecoderProcess, IsWarmedUpInItsTemplate) {
  DecoderTest decoder(server);
  decoder.Decode(EncodePng({}, Ramp));
  const auto status = forkserver::testing::StatusOf(server, "data-decoder");
  ASSERT_EQ(status.hello.warm_ups.size(), 1u);
  EXPECT_EQ(status.hello.warm_ups[0].name, "picture libraries");
  EXPECT_EQ(status.hello.warm_ups[0].error, "");
  EXPECT_EQ(status.hello.warm_ups[0].descriptors, 0);
}

HOST_TEST(DecoderProcess, GivesContentProcessesTheirPixelsPastTheParent) {
  DecoderTest decoder(server);
  const PictureBytes small = EncodePng({}, Ramp);
  const PictureBytes large = EncodeJpeg({.width = 1000, .height = 700}, Ramp);
  EXPECT_EQ(decoder.Show("https://a.test/", small), SaidOf(small));
  EXPECT_EQ(decoder.Show("https://b.test/", large), SaidOf(large));
  EXPECT_EQ(decoder.Show("https://a.test/", {1, 2, 3}),
            "INVALID_ARGUMENT: picture: neither PNG nor JPEG nor WebP");
  EXPECT_EQ(decoder.content().processes().size(), 2u);
  EXPECT_EQ(RefusedCalls(server), "");
}

// All of them one after another, and none kills it: what each comes to is what it comes to here.
HOST_TEST(DecoderProcess, OutlivesHostilePicturesAndKeepsNothingOfThem) {
  DecoderTest decoder(server);
  const PictureBytes sound = EncodePng({}, Ramp);
  EXPECT_EQ(decoder.Decode(sound), SaidOf(sound));
  const pid_t pid = decoder.pid();
  const size_t descriptors = decoder.DescriptorsOfDecoder();
  const size_t own = forkserver::testing::CountOpenDescriptors();
  const size_t children = forkserver::testing::CountChildren();
  size_t decoded = 0;
  for (const NamedPicture& picture : HostilePictures()) {
    const std::string said = decoder.Decode(picture.bytes);
    if (picture.bytes.empty() || picture.bytes.size() > DecodeBounds().encoded_bytes) {
      EXPECT_THAT(said, HasSubstr("picture: ")) << picture.name;
      continue;
    }
    if (said != SaidOf(picture.bytes)) {
      // Time: a slow machine may come to the deadline in one of the two.
      EXPECT_THAT(said, HasSubstr("deadline")) << picture.name;
    }
    ++decoded;
  }
  EXPECT_GT(decoded, 400u);
  EXPECT_EQ(decoder.Decode(sound), SaidOf(sound));
  EXPECT_EQ(decoder.pid(), pid);
  EXPECT_EQ(decoder.service().ends(), 0);
  EXPECT_EQ(decoder.DescriptorsOfDecoder(), descriptors);
  EXPECT_EQ(forkserver::testing::CountOpenDescriptors(), own);
  EXPECT_EQ(forkserver::testing::CountChildren(), children);
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(DecoderProcess, ThatDiesIsToldAndTheNextPictureHasAnother) {
  DecoderTest decoder(server);
  const PictureBytes sound = EncodePng({}, Ramp);
  EXPECT_EQ(decoder.Decode(sound), SaidOf(sound));
  const pid_t first = decoder.pid();
  // It stands still with the picture in its socket.
  ASSERT_TRUE(forkserver::testing::SignalProcess(first, SIGSTOP).ok());
  std::string said;
  ASSERT_TRUE(
      decoder.client()
          .Decode(sound, [&](absl::StatusOr<DecodedPicture> picture) { said = Said(picture); })
          .ok());
  ASSERT_TRUE(forkserver::testing::SignalProcess(first, SIGKILL).ok());
  decoder.Until([&] { return !said.empty(); });
  EXPECT_THAT(said, HasSubstr("UNAVAILABLE"));
  decoder.Until([&] { return decoder.service().ends() == 1; });
  EXPECT_EQ(decoder.Decode(sound), SaidOf(sound));
  EXPECT_NE(decoder.pid(), first);
}

HOST_TEST(DecoderProcess, GivenUpIsAnErrorOfEachPictureByName) {
  DecoderTest decoder(server);
  const PictureBytes sound = EncodePng({}, Ramp);
  for (int i = 0; i < DecoderService::kMostEnds; ++i) {
    EXPECT_EQ(decoder.Decode(sound), SaidOf(sound));
    ASSERT_TRUE(forkserver::testing::SignalProcess(decoder.pid(), SIGKILL).ok());
    decoder.Until(
        [&] { return decoder.service().ends() == i + 1 && !decoder.client().is_connected(); });
  }
  EXPECT_EQ(decoder.Decode(sound),
            "UNAVAILABLE: data-decoder: gave up after 3 ends: killed by SIGKILL");
}

// What a content process sends that is not a DecoderClient's.
class RawLine : public forkserver::Actor<RawLine, Decoding, forkserver::Side::kParent> {
 public:
  void ActorDestroy(const forkserver::ActorEnd& end) override { this->end.emplace(end); }
  std::optional<forkserver::ActorEnd> end;
};

UniqueFd MemfdOf(const PictureBytes& bytes, int seals) {
  UniqueFd fd(memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}
UniqueFd PixelsOf(size_t size, int seals) { return MemfdOf(PictureBytes(size), seals); }

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

// What becomes of the call, and of the line.
std::string SendRaw(DecoderTest& decoder, UniqueFd bytes, UniqueFd pixels) {
  RawLine line;
  EXPECT_TRUE(line.Bind(decoder.loop(), decoder.OpenLine()).ok());
  DecodePicture message;
  if (bytes.is_open()) message.picture.sealed.emplace().fd = std::move(bytes);
  message.pixels.fd = std::move(pixels);
  std::string said;
  EXPECT_TRUE(line.Call(message,
                        [&](absl::StatusOr<PictureDecoded> decoded) {
                          said = decoded.ok() ? "decoded" : std::string(decoded.status().message());
                        })
                  .ok());
  decoder.Until([&] { return !said.empty(); });
  // A line that goes on answers that this is no picture.
  absl::Status after;
  const absl::Status asked = line.Call(
      ReadHeader(), [&](const absl::StatusOr<HeaderRead>& header) { after = header.status(); });
  if (!asked.ok()) after = asked;
  decoder.Until([&] { return !after.ok(); });
  return said + (absl::IsInvalidArgument(after) ? "" : "; the line ends");
}

HOST_TEST(DecoderProcess, EndsTheLineOfWhoeverGivesMemoryThatCanChangeAndNoOther) {
  DecoderTest decoder(server);
  const PictureBytes sound = EncodePng({}, Ramp);
  const size_t size = size_t{13} * 7 * 4;
  EXPECT_EQ(decoder.Decode(sound), SaidOf(sound));
  const pid_t pid = decoder.pid();
  const size_t descriptors = decoder.DescriptorsOfDecoder();
  const int sealed = kSizeSeals | F_SEAL_WRITE;
  EXPECT_EQ(SendRaw(decoder, MemfdOf(sound, sealed), PixelsOf(size, kSizeSeals)), "decoded");
  for (const int seals : {0, kSizeSeals, F_SEAL_WRITE | F_SEAL_GROW}) {
    EXPECT_EQ(SendRaw(decoder, MemfdOf(sound, seals), PixelsOf(size, kSizeSeals)),
              "DecodePicture: a picture's bytes: EPERM; the line ends");
  }
  for (const int seals : {0, F_SEAL_GROW, F_SEAL_SHRINK}) {
    EXPECT_EQ(SendRaw(decoder, MemfdOf(sound, sealed), PixelsOf(size, seals)),
              "DecodePicture: memory for pixels without its seals; the line ends");
  }
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  EXPECT_EQ(SendRaw(decoder, UniqueFd(pipes[0]), PixelsOf(size, kSizeSeals)),
            "DecodePicture: a picture's bytes: EINVAL; the line ends");
  EXPECT_EQ(SendRaw(decoder, MemfdOf(sound, sealed), UniqueFd(pipes[1])),
            "DecodePicture: memory for pixels without its seals; the line ends");
  // Without blame: another size, and no bytes at all.
  EXPECT_EQ(SendRaw(decoder, MemfdOf(sound, sealed), PixelsOf(size + 4, kSizeSeals)),
            "PNG: 368 bytes for its pixels, which are 364");
  EXPECT_EQ(SendRaw(decoder, UniqueFd(), PixelsOf(size, kSizeSeals)),
            "picture: neither PNG nor JPEG nor WebP");
  // Nobody can write to it, the decoder neither.
  EXPECT_EQ(SendRaw(decoder, MemfdOf(sound, sealed), PixelsOf(size, sealed)),
            "mmap of pixels: EPERM");
  EXPECT_EQ(decoder.Decode(sound), SaidOf(sound)) << "on its own line, which is as it was";
  EXPECT_EQ(decoder.pid(), pid);
  // It sees that the last line is gone in one of its loop's next turns.
  for (int turn = 0; turn < 100 && decoder.DescriptorsOfDecoder() > descriptors; ++turn) {
  }
  EXPECT_EQ(decoder.DescriptorsOfDecoder(), descriptors);
}

HOST_TEST(DecoderProcess, ClosesOneLineTooMany) {
  DecoderTest decoder(server);
  std::list<RawLine> lines;
  for (size_t i = 0; i < DecoderChild::kMostLines + 1; ++i) {
    ASSERT_TRUE(lines.emplace_back().Bind(decoder.loop(), decoder.OpenLine()).ok());
  }
  decoder.Until([&] { return lines.back().end.has_value(); });
  for (RawLine& line : lines) EXPECT_EQ(line.end.has_value(), &line == &lines.back());
  lines.pop_front();
  // There is room for another one, as soon as the decoder has heard of that one's end, which may be
  // after it has heard of the next.
  const PictureBytes sound = EncodePng({}, Ramp);
  std::string said = decoder.Decode(sound);
  for (int i = 0; i < 100 && said != SaidOf(sound); ++i) said = decoder.Decode(sound);
  EXPECT_EQ(said, SaidOf(sound));
}

}  // namespace
}  // namespace browser_host
