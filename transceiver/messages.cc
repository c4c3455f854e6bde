#include "transceiver/messages.h"

#include <algorithm>

#include "transceiver/byte_order.h"
#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

constexpr uint32_t kMaxPayload = kMaxPayloadBytes;
constexpr uint32_t kMaxPing = 64;

constexpr MessageRow kCatalogue[] = {
    {kHello, "Hello", MessageDirection::kToHost, 1, kMaxPayload, 0, 3, kNoFlags},
    {kFork, "Fork", MessageDirection::kFromHost, 0, 0, 1, 2, kBlank},
    {kForked, "Forked", MessageDirection::kToHost, ForkedMessage::kBytes, ForkedMessage::kBytes, 0,
     1, kNoFlags},
    {kPlan, "Plan", MessageDirection::kFromHost, 0, kMaxPayload, 0, kMaxDescriptors,
     kPayloadInMemfd},
    {kReady, "Ready", MessageDirection::kToHost, 1, kMaxPayload, 0, 1, kNoFlags},
    {kFailed, "Failed", MessageDirection::kToHost, FailedMessage::kMinBytes,
     FailedMessage::kMaxBytes, 0, 0, kNoFlags},
    {kPing, "Ping", MessageDirection::kFromHost, 0, kMaxPing, 0, 0, kNoFlags},
    {kPong, "Pong", MessageDirection::kToHost, 0, kMaxPing, 0, 0, kNoFlags},
    {kShutdown, "Shutdown", MessageDirection::kFromHost, 0, 0, 0, 0, kNoFlags},
};

constexpr bool TypesAreTheirPositions() {
  for (size_t i = 0; i < std::size(kCatalogue); ++i) {
    if (kCatalogue[i].type != i + 1) return false;
  }
  return true;
}
static_assert(TypesAreTheirPositions(), "FindMessage indexes the catalogue by type");

}  // namespace

std::span<const MessageRow> MessageCatalogue() { return kCatalogue; }

FORKSERVER_LAUNCH_PATH const MessageRow* FindMessage(uint16_t type) {
  if (type == 0 || type > std::size(kCatalogue)) return nullptr;
  return &kCatalogue[type - 1];
}

std::string_view MessageName(uint16_t type) {
  if (const MessageRow* row = FindMessage(type)) return row->name;
  return type >= kFirstApplicationType ? "application message" : "unknown message";
}

FORKSERVER_LAUNCH_PATH MessageCheck CheckMessage(const Frame& frame, MessageDirection direction) {
  const MessageRow* row = FindMessage(frame.type);
  if (row == nullptr) return MessageCheck::kUnknownType;
  if (row->direction != direction) return MessageCheck::kWrongDirection;
  if ((frame.flags & ~row->flags) != 0) return MessageCheck::kPayload;
  const bool in_memfd = (frame.flags & kPayloadInMemfd) != 0;
  if (in_memfd && (frame.payload_size != 0 || frame.descriptor_count == 0)) {
    return MessageCheck::kPayload;
  }
  if (frame.payload_size < row->min_payload || frame.payload_size > row->max_payload) {
    return MessageCheck::kPayload;
  }
  if (frame.descriptor_count < row->min_descriptors ||
      frame.descriptor_count > row->max_descriptors) {
    return MessageCheck::kDescriptors;
  }
  return MessageCheck::kGood;
}

std::span<const uint8_t> Encode(const ForkedMessage& message, std::span<uint8_t> buffer) {
  ByteWriter out(buffer);
  out.I32(message.pid);
  out.I64(message.received_at);
  out.I64(message.cloned_at);
  return out.written();
}

std::span<const uint8_t> Encode(const FailedMessage& message, std::span<uint8_t> buffer) {
  ByteWriter out(buffer);
  out.U16(message.step);
  out.U16(message.about);
  out.I32(message.error);
  out.U32(message.index);
  // Also at a NUL, which a reader would refuse.
  out.String(
      message.detail.substr(0, std::min(FailedMessage::kMaxDetail, message.detail.find('\0'))));
  return out.written();
}

bool Decode(std::span<const uint8_t> payload, ForkedMessage& message) {
  ByteReader in(payload);
  message.pid = in.I32();
  message.received_at = in.I64();
  message.cloned_at = in.I64();
  return in.AtEnd();
}

bool Decode(std::span<const uint8_t> payload, FailedMessage& message) {
  ByteReader in(payload);
  message.step = in.U16();
  message.about = in.U16();
  message.error = in.I32();
  message.index = in.U32();
  message.detail = in.String();
  return in.AtEnd();
}

}  // namespace forkserver
