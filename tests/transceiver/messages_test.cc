#include "transceiver/messages.h"

#include <stdint.h>

#include <array>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace forkserver {
namespace {

constexpr auto kFromHost = MessageDirection::kFromHost;
constexpr auto kToHost = MessageDirection::kToHost;

// What the protocol says, written down a second time: a slip in the catalogue differs from it.
struct Expected {
  uint16_t type;
  std::string_view name;
  MessageDirection direction;
  uint32_t min_payload;
  uint32_t max_payload;
  uint32_t min_descriptors;
  uint32_t max_descriptors;
};

constexpr Expected kProtocol[] = {
    {1, "Hello", kToHost, 1, 65504, 0, 3},  {2, "Fork", kFromHost, 0, 0, 1, 2},
    {3, "Forked", kToHost, 20, 20, 0, 1},   {4, "Plan", kFromHost, 0, 65504, 0, 253},
    {5, "Ready", kToHost, 1, 65504, 0, 1},  {6, "Failed", kToHost, 17, 273, 0, 0},
    {7, "Ping", kFromHost, 0, 64, 0, 0},    {8, "Pong", kToHost, 0, 64, 0, 0},
    {9, "Shutdown", kFromHost, 0, 0, 0, 0},
};

std::ostream& operator<<(std::ostream& out, const Expected& message) { return out << message.name; }

std::string NameOf(const testing::TestParamInfo<Expected>& info) {
  return std::string(info.param.name);
}

MessageDirection Opposite(MessageDirection direction) {
  return direction == kFromHost ? kToHost : kFromHost;
}

Frame Smallest(const Expected& message) {
  return {.type = message.type,
          .payload_size = message.min_payload,
          .descriptor_count = message.min_descriptors};
}

Frame Largest(const Expected& message) {
  return {.type = message.type,
          .payload_size = message.max_payload,
          .descriptor_count = message.max_descriptors};
}

class EveryMessage : public testing::TestWithParam<Expected> {};
INSTANTIATE_TEST_SUITE_P(, EveryMessage, testing::ValuesIn(kProtocol), NameOf);

TEST_P(EveryMessage, StandsInTheCatalogueUnderItsName) {
  const MessageRow* row = FindMessage(GetParam().type);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->type, GetParam().type);
  EXPECT_EQ(row->name, GetParam().name);
  EXPECT_EQ(MessageName(GetParam().type), GetParam().name);
}

TEST_P(EveryMessage, IsGoodAtItsSmallest) {
  EXPECT_EQ(CheckMessage(Smallest(GetParam()), GetParam().direction), MessageCheck::kGood);
}

TEST_P(EveryMessage, IsGoodAtItsLargest) {
  EXPECT_EQ(CheckMessage(Largest(GetParam()), GetParam().direction), MessageCheck::kGood);
}

TEST_P(EveryMessage, IsRejectedFromTheWrongSide) {
  EXPECT_EQ(CheckMessage(Smallest(GetParam()), Opposite(GetParam().direction)),
            MessageCheck::kWrongDirection);
}

TEST_P(EveryMessage, IsRejectedWithAPayloadOneByteTooLarge) {
  Frame frame = Largest(GetParam());
  ++frame.payload_size;
  EXPECT_EQ(CheckMessage(frame, GetParam().direction), MessageCheck::kPayload);
}

TEST_P(EveryMessage, IsRejectedWithOneDescriptorTooMany) {
  Frame frame = Largest(GetParam());
  ++frame.descriptor_count;
  EXPECT_EQ(CheckMessage(frame, GetParam().direction), MessageCheck::kDescriptors);
}

class MessageWithAPayload : public testing::TestWithParam<Expected> {};
INSTANTIATE_TEST_SUITE_P(, MessageWithAPayload,
                         testing::Values(kProtocol[0], kProtocol[2], kProtocol[4], kProtocol[5]),
                         NameOf);

TEST_P(MessageWithAPayload, IsRejectedWithAPayloadOneByteTooSmall) {
  Frame frame = Smallest(GetParam());
  --frame.payload_size;
  EXPECT_EQ(CheckMessage(frame, GetParam().direction), MessageCheck::kPayload);
}

class MessageWithADescriptor : public testing::TestWithParam<Expected> {};
INSTANTIATE_TEST_SUITE_P(, MessageWithADescriptor, testing::Values(kProtocol[1]), NameOf);

TEST_P(MessageWithADescriptor, IsRejectedWithoutIt) {
  Frame frame = Smallest(GetParam());
  frame.descriptor_count = 0;
  EXPECT_EQ(CheckMessage(frame, GetParam().direction), MessageCheck::kDescriptors);
}

class MessageOtherThanPlan : public testing::TestWithParam<Expected> {};
INSTANTIATE_TEST_SUITE_P(, MessageOtherThanPlan,
                         testing::Values(kProtocol[0], kProtocol[1], kProtocol[2], kProtocol[4],
                                         kProtocol[5], kProtocol[6], kProtocol[7], kProtocol[8]),
                         NameOf);

TEST_P(MessageOtherThanPlan, IsRejectedWithItsPayloadInAMemfd) {
  Frame frame = {.type = GetParam().type, .descriptor_count = 1, .flags = kPayloadInMemfd};
  EXPECT_EQ(CheckMessage(frame, GetParam().direction), MessageCheck::kPayload);
}

TEST(Plan, IsGoodWithItsPayloadInAMemfd) {
  EXPECT_EQ(
      CheckMessage({.type = kPlan, .descriptor_count = 1, .flags = kPayloadInMemfd}, kFromHost),
      MessageCheck::kGood);
}

TEST(Plan, IsRejectedWithAMemfdAndAPayloadInThePacket) {
  EXPECT_EQ(CheckMessage(
                {.type = kPlan, .payload_size = 1, .descriptor_count = 1, .flags = kPayloadInMemfd},
                kFromHost),
            MessageCheck::kPayload);
}

TEST(Plan, IsRejectedWhenTheMemfdIsMissing) {
  EXPECT_EQ(CheckMessage({.type = kPlan, .flags = kPayloadInMemfd}, kFromHost),
            MessageCheck::kPayload);
}

TEST(MessageCatalogue, HasARowForEveryMessageAndNoOther) {
  EXPECT_EQ(MessageCatalogue().size(), std::size(kProtocol));
}

TEST(MessageCatalogue, IsInTheOrderOfTheTypes) {
  uint16_t type = 1;
  for (const MessageRow& row : MessageCatalogue()) EXPECT_EQ(row.type, type++);
}

TEST(CheckMessage, DoesNotKnowTypesOutsideOfTheCatalogue) {
  for (const uint16_t type : {0, 10, 0x0FFF, 0x1000, 0xFFFF}) {
    EXPECT_EQ(CheckMessage({.type = type}, kFromHost), MessageCheck::kUnknownType) << type;
    EXPECT_EQ(CheckMessage({.type = type}, kToHost), MessageCheck::kUnknownType) << type;
  }
}

TEST(FindMessage, FindsNothingOutsideOfTheCatalogue) {
  for (const uint16_t type : {0, 10, 0x1000, 0xFFFF}) EXPECT_EQ(FindMessage(type), nullptr) << type;
}

TEST(MessageName, TellsApplicationTypesFromUnknownOnes) {
  EXPECT_EQ(MessageName(0), "unknown message");
  EXPECT_EQ(MessageName(kFirstApplicationType - 1), "unknown message");
  EXPECT_EQ(MessageName(kFirstApplicationType), "application message");
  EXPECT_EQ(MessageName(0xFFFF), "application message");
}

TEST(ForkedMessage, IsTheSameAfterARoundTrip) {
  std::array<uint8_t, ForkedMessage::kBytes> buffer;
  const ForkedMessage sent = {.pid = 4711,
                              .received_at = std::numeric_limits<int64_t>::max(),
                              .cloned_at = std::numeric_limits<int64_t>::min()};
  ForkedMessage received;
  ASSERT_TRUE(Decode(Encode(sent, buffer), received));
  EXPECT_EQ(received.pid, sent.pid);
  EXPECT_EQ(received.received_at, sent.received_at);
  EXPECT_EQ(received.cloned_at, sent.cloned_at);
}

TEST(ForkedMessage, HasTheSizeThatTheCatalogueAsksFor) {
  std::array<uint8_t, 64> buffer;
  EXPECT_EQ(Encode(ForkedMessage{}, buffer).size(), 20u);
}

TEST(ForkedMessage, IsRejectedAtEveryTruncation) {
  std::array<uint8_t, ForkedMessage::kBytes> buffer;
  const std::span<const uint8_t> whole = Encode(ForkedMessage{.pid = 1}, buffer);
  for (size_t size = 0; size < whole.size(); ++size) {
    ForkedMessage received;
    EXPECT_FALSE(Decode(whole.first(size), received)) << size;
  }
}

TEST(ForkedMessage, IsRejectedWithAByteLeftOver) {
  std::array<uint8_t, ForkedMessage::kBytes + 1> buffer = {};
  Encode(ForkedMessage{.pid = 1}, buffer);
  ForkedMessage received;
  EXPECT_FALSE(Decode(buffer, received));
}

TEST(FailedMessage, IsTheSameAfterARoundTrip) {
  std::array<uint8_t, FailedMessage::kMaxBytes> buffer;
  const FailedMessage sent = {
      .step = 65535, .about = kPlan, .error = -7, .index = UINT32_MAX, .detail = "/etc/prefs.js"};
  FailedMessage received;
  ASSERT_TRUE(Decode(Encode(sent, buffer), received));
  EXPECT_EQ(received.step, sent.step);
  EXPECT_EQ(received.about, sent.about);
  EXPECT_EQ(received.error, sent.error);
  EXPECT_EQ(received.index, sent.index);
  EXPECT_EQ(received.detail, sent.detail);
}

TEST(FailedMessage, HasTheSmallestSizeOfTheCatalogueWithoutDetail) {
  std::array<uint8_t, FailedMessage::kMaxBytes> buffer;
  EXPECT_EQ(Encode(FailedMessage{}, buffer).size(), 17u);
}

TEST(FailedMessage, CarriesTheLongestDetailWhole) {
  std::array<uint8_t, FailedMessage::kMaxBytes> buffer;
  const std::string longest(256, 'x');
  const std::span<const uint8_t> payload = Encode(FailedMessage{.detail = longest}, buffer);
  EXPECT_EQ(payload.size(), 273u);
  FailedMessage received;
  ASSERT_TRUE(Decode(payload, received));
  EXPECT_EQ(received.detail, longest);
}

TEST(FailedMessage, CutsADetailThatIsTooLong) {
  std::array<uint8_t, FailedMessage::kMaxBytes> buffer;
  const std::string longest(256, 'x');
  FailedMessage received;
  ASSERT_TRUE(Decode(Encode(FailedMessage{.detail = longest + "y"}, buffer), received));
  EXPECT_EQ(received.detail, longest);
}

TEST(FailedMessage, PointsIntoThePayloadWithItsDetail) {
  std::array<uint8_t, FailedMessage::kMaxBytes> buffer;
  FailedMessage received;
  ASSERT_TRUE(Decode(Encode(FailedMessage{.detail = "why"}, buffer), received));
  EXPECT_EQ(received.detail.data(), reinterpret_cast<const char*>(buffer.data()) + 16);
  EXPECT_STREQ(received.detail.data(), "why");
}

TEST(FailedMessage, IsRejectedAtEveryTruncation) {
  std::array<uint8_t, FailedMessage::kMaxBytes> buffer;
  const std::span<const uint8_t> whole = Encode(FailedMessage{.detail = "why"}, buffer);
  for (size_t size = 0; size < whole.size(); ++size) {
    FailedMessage received;
    EXPECT_FALSE(Decode(whole.first(size), received)) << size;
  }
}

TEST(FailedMessage, IsRejectedWithAByteLeftOver) {
  std::array<uint8_t, FailedMessage::kMinBytes + 1> buffer = {};
  Encode(FailedMessage{}, buffer);
  FailedMessage received;
  EXPECT_FALSE(Decode(buffer, received));
}

// A String with a NUL inside is one that no reader accepts.
TEST(FailedMessage, CutsADetailAtANul) {
  uint8_t buffer[FailedMessage::kMaxBytes];
  const FailedMessage sent = {.step = 1, .error = 2, .detail = std::string_view("abc\0def", 7)};
  FailedMessage received;
  ASSERT_TRUE(Decode(Encode(sent, buffer), received));
  EXPECT_EQ(received.detail, "abc");
}

}  // namespace
}  // namespace forkserver
