#include "transceiver/frame.h"

#include <stdint.h>

#include <array>
#include <set>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace forkserver {
namespace {

using FrameBuffer = std::array<uint8_t, kFrameBytes>;

constexpr Frame kGoodFrame = {.type = 7,
                              .request_id = 0x1122334455667788,
                              .payload_size = 5,
                              .descriptor_count = 2,
                              .flags = kPayloadInMemfd};

FrameBuffer Encoded(const Frame& frame) {
  FrameBuffer bytes;
  EncodeFrame(frame, bytes);
  return bytes;
}

// A good frame with one of its bytes replaced.
FrameBuffer GoodFrameWith(size_t offset, uint8_t byte) {
  FrameBuffer bytes = Encoded(kGoodFrame);
  bytes[offset] = byte;
  return bytes;
}

// EncodeFrame aborts over the limits, so that these have to be written by hand.
FrameBuffer GoodFrameWithU32(size_t offset, uint32_t value) {
  FrameBuffer bytes = Encoded(kGoodFrame);
  for (int i = 0; i < 4; ++i) bytes[offset + i] = static_cast<uint8_t>(value >> (8 * i));
  return bytes;
}

constexpr size_t kVersionOffset = 4;
constexpr size_t kPayloadSizeOffset = 16;
constexpr size_t kDescriptorCountOffset = 20;
constexpr size_t kFlagsOffset = 24;
constexpr size_t kReservedOffset = 28;

TEST(EncodeFrame, PutsEveryFieldWhereTheHeaderDrawsIt) {
  const Frame frame = {.type = 0x0201,
                       .request_id = 0x0A09080706050403,
                       .payload_size = 0x0C0B,
                       .descriptor_count = 0x0D,
                       .flags = kPayloadInMemfd};
  const FrameBuffer expected = {'F', 'K', 'S', 'V',               // magic
                                1,   0,                           // version
                                1,   2,                           // type
                                3,   4,   5,   6,   7, 8, 9, 10,  // request id
                                11,  12,  0,   0,                 // payload size
                                13,  0,   0,   0,                 // descriptor count
                                1,   0,   0,   0,                 // flags
                                0,   0,   0,   0};                // reserved
  EXPECT_EQ(Encoded(frame), expected);
}

TEST(DecodeFrame, ReadsWhatEncodeFrameWrote) {
  Frame frame;
  EXPECT_EQ(DecodeFrame(Encoded(kGoodFrame), frame), FrameError::kNone);
  EXPECT_EQ(frame, kGoodFrame);
}

TEST(DecodeFrame, ReadsAFrameOfZeros) {
  Frame frame = kGoodFrame;
  EXPECT_EQ(DecodeFrame(Encoded(Frame{}), frame), FrameError::kNone);
  EXPECT_EQ(frame, Frame{});
}

TEST(DecodeFrame, ReadsTheLargestValueOfEveryField) {
  const Frame largest = {.type = UINT16_MAX,
                         .request_id = UINT64_MAX,
                         .payload_size = kMaxPayloadBytes,
                         .descriptor_count = kMaxDescriptors,
                         .flags = kKnownFlags};
  Frame frame;
  EXPECT_EQ(DecodeFrame(Encoded(largest), frame), FrameError::kNone);
  EXPECT_EQ(frame, largest);
}

TEST(DecodeFrame, ReadsAFrameWithThePayloadBehindIt) {
  const FrameBuffer bytes = Encoded(kGoodFrame);
  std::vector<uint8_t> packet(bytes.begin(), bytes.end());
  packet.resize(packet.size() + kGoodFrame.payload_size, 0xFF);
  Frame frame;
  EXPECT_EQ(DecodeFrame(packet, frame), FrameError::kNone);
  EXPECT_EQ(frame, kGoodFrame);
}

TEST(DecodeFrame, RejectsAnEmptyPacket) {
  Frame frame;
  EXPECT_EQ(DecodeFrame({}, frame), FrameError::kEmpty);
}

TEST(DecodeFrame, RejectsEveryPacketThatIsShorterThanAFrame) {
  const FrameBuffer bytes = Encoded(kGoodFrame);
  for (size_t size = 1; size < kFrameBytes; ++size) {
    Frame frame;
    EXPECT_EQ(DecodeFrame(std::span(bytes).first(size), frame), FrameError::kShort) << size;
  }
}

TEST(DecodeFrame, RejectsAWrongByteAnywhereInTheMagic) {
  for (size_t offset = 0; offset < kVersionOffset; ++offset) {
    Frame frame;
    EXPECT_EQ(DecodeFrame(GoodFrameWith(offset, 'x'), frame), FrameError::kMagic) << offset;
  }
}

TEST(DecodeFrame, RejectsTheVersionBeforeThisOne) {
  Frame frame;
  EXPECT_EQ(DecodeFrame(GoodFrameWith(kVersionOffset, kProtocolVersion - 1), frame),
            FrameError::kVersion);
}

TEST(DecodeFrame, RejectsTheVersionAfterThisOne) {
  Frame frame;
  EXPECT_EQ(DecodeFrame(GoodFrameWith(kVersionOffset, kProtocolVersion + 1), frame),
            FrameError::kVersion);
}

TEST(DecodeFrame, RejectsAVersionThatDiffersInItsHighByte) {
  Frame frame;
  EXPECT_EQ(DecodeFrame(GoodFrameWith(kVersionOffset + 1, 1), frame), FrameError::kVersion);
}

TEST(DecodeFrame, RejectsAnyByteInTheReservedField) {
  for (size_t offset = kReservedOffset; offset < kFrameBytes; ++offset) {
    Frame frame;
    EXPECT_EQ(DecodeFrame(GoodFrameWith(offset, 1), frame), FrameError::kReserved) << offset;
  }
}

TEST(DecodeFrame, RejectsEveryFlagThatIsNotKnown) {
  for (int bit = 0; bit < 32; ++bit) {
    const uint32_t flag = 1u << bit;
    if ((flag & kKnownFlags) != 0) continue;
    Frame frame;
    EXPECT_EQ(DecodeFrame(GoodFrameWithU32(kFlagsOffset, flag), frame), FrameError::kFlags) << bit;
  }
}

TEST(DecodeFrame, RejectsAnAnnouncedPayloadOneByteOverTheLimit) {
  Frame frame;
  EXPECT_EQ(DecodeFrame(GoodFrameWithU32(kPayloadSizeOffset, kMaxPayloadBytes + 1), frame),
            FrameError::kPayloadTooLarge);
}

TEST(DecodeFrame, RejectsTheLargestPayloadThatCanBeAnnounced) {
  Frame frame;
  EXPECT_EQ(DecodeFrame(GoodFrameWithU32(kPayloadSizeOffset, UINT32_MAX), frame),
            FrameError::kPayloadTooLarge);
}

TEST(DecodeFrame, RejectsOneAnnouncedDescriptorOverTheLimit) {
  Frame frame;
  EXPECT_EQ(DecodeFrame(GoodFrameWithU32(kDescriptorCountOffset, kMaxDescriptors + 1), frame),
            FrameError::kTooManyDescriptors);
}

TEST(DecodeFrame, RejectsTheMostDescriptorsThatCanBeAnnounced) {
  Frame frame;
  EXPECT_EQ(DecodeFrame(GoodFrameWithU32(kDescriptorCountOffset, UINT32_MAX), frame),
            FrameError::kTooManyDescriptors);
}

TEST(DecodeFrame, SetsTheRequestIdOfEveryFrameThatItCallsKnown) {
  const FrameBuffer bad[] = {GoodFrameWith(kReservedOffset, 1),
                             GoodFrameWithU32(kFlagsOffset, 1u << 31),
                             GoodFrameWithU32(kPayloadSizeOffset, UINT32_MAX),
                             GoodFrameWithU32(kDescriptorCountOffset, UINT32_MAX)};
  for (const FrameBuffer& bytes : bad) {
    Frame frame;
    const FrameError error = DecodeFrame(bytes, frame);
    ASSERT_NE(error, FrameError::kNone);
    EXPECT_TRUE(FrameIsKnown(error)) << FrameErrorText(error);
    EXPECT_EQ(frame.request_id, kGoodFrame.request_id) << FrameErrorText(error);
  }
}

TEST(DecodeFrame, LeavesTheFrameAloneThatItCallsUnknown) {
  const FrameBuffer good = Encoded(kGoodFrame);
  const FrameBuffer magic = GoodFrameWith(0, 'x');
  const FrameBuffer version = GoodFrameWith(kVersionOffset, 9);
  const std::span<const uint8_t> bad[] = {{}, std::span(good).first(31), magic, version};
  for (const std::span<const uint8_t> bytes : bad) {
    Frame frame;
    const FrameError error = DecodeFrame(bytes, frame);
    ASSERT_NE(error, FrameError::kNone);
    EXPECT_FALSE(FrameIsKnown(error)) << FrameErrorText(error);
    EXPECT_EQ(frame, Frame{}) << FrameErrorText(error);
  }
}

TEST(CheckFrameAgainstPacket, AcceptsWhatWasAnnounced) {
  EXPECT_EQ(CheckFrameAgainstPacket({.payload_size = 5, .descriptor_count = 2}, kFrameBytes + 5, 2),
            FrameError::kNone);
}

TEST(CheckFrameAgainstPacket, AcceptsAMessageAtBothLimits) {
  EXPECT_EQ(CheckFrameAgainstPacket(
                {.payload_size = kMaxPayloadBytes, .descriptor_count = kMaxDescriptors},
                kMaxMessageBytes, kMaxDescriptors),
            FrameError::kNone);
}

TEST(CheckFrameAgainstPacket, RejectsOneByteTooFew) {
  EXPECT_EQ(CheckFrameAgainstPacket({.payload_size = 5}, kFrameBytes + 4, 0),
            FrameError::kPayloadSize);
}

TEST(CheckFrameAgainstPacket, RejectsOneByteTooMany) {
  EXPECT_EQ(CheckFrameAgainstPacket({.payload_size = 5}, kFrameBytes + 6, 0),
            FrameError::kPayloadSize);
}

TEST(CheckFrameAgainstPacket, RejectsOneDescriptorTooFew) {
  EXPECT_EQ(CheckFrameAgainstPacket({.descriptor_count = 2}, kFrameBytes, 1),
            FrameError::kDescriptorCount);
}

TEST(CheckFrameAgainstPacket, RejectsOneDescriptorTooMany) {
  EXPECT_EQ(CheckFrameAgainstPacket({.descriptor_count = 2}, kFrameBytes, 3),
            FrameError::kDescriptorCount);
}

TEST(FrameErrorText, DiffersForEveryError) {
  std::set<std::string_view> texts;
  const int last = static_cast<int>(FrameError::kDescriptorCount);
  for (int error = 0; error <= last; ++error) {
    texts.insert(FrameErrorText(static_cast<FrameError>(error)));
  }
  EXPECT_EQ(texts.size(), static_cast<size_t>(last) + 1);
  EXPECT_EQ(texts.count("unknown frame error"), 0u);
}

TEST(FrameErrorText, NamesANumberThatIsNoError) {
  EXPECT_EQ(FrameErrorText(static_cast<FrameError>(200)), "unknown frame error");
}

}  // namespace
}  // namespace forkserver
