// The frame and everything that is decided by it: any bytes are a good frame that survives its
// own encoding, or an error; and the catalogue has an answer for each.
#include <stdint.h>
#include <string.h>

#include <vector>

#include "tests/fuzz/require.h"
#include "transceiver/frame.h"
#include "transceiver/messages.h"

namespace forkserver {
namespace {

void FuzzFrame(std::span<const uint8_t> packet) {
  Frame frame;
  const FrameError error = DecodeFrame(packet, frame);
  Require(!FrameErrorText(error).empty());
  if (error != FrameError::kNone) return;

  // What decodes is within the limits, and encodes to the bytes that it came from.
  Require(frame.payload_size <= kMaxPayloadBytes);
  Require(frame.descriptor_count <= kMaxDescriptors);
  uint8_t again[kFrameBytes];
  EncodeFrame(frame, again);
  Require(memcmp(again, packet.data(), kFrameBytes) == 0);

  // A packet fits its frame in exactly one way.
  const FrameError fit = CheckFrameAgainstPacket(frame, packet.size(), frame.descriptor_count);
  Require((fit == FrameError::kNone) == (packet.size() == kFrameBytes + frame.payload_size));

  Require(!MessageName(frame.type).empty());
  for (const MessageDirection direction :
       {MessageDirection::kFromHost, MessageDirection::kToHost}) {
    if (CheckMessage(frame, direction) != MessageCheck::kGood) continue;
    const MessageRow* row = FindMessage(frame.type);
    Require(row != nullptr && row->direction == direction);
    Require(frame.payload_size <= row->max_payload);
    Require(frame.descriptor_count <= row->max_descriptors);
  }

  const std::span<const uint8_t> payload = packet.subspan(kFrameBytes);
  uint8_t buffer[FailedMessage::kMaxBytes];
  if (ForkedMessage forked; Decode(payload, forked)) {
    const auto bytes = Encode(forked, buffer);
    Require(bytes.size() == payload.size() &&
            memcmp(bytes.data(), payload.data(), bytes.size()) == 0);
  }
  if (FailedMessage failed; Decode(payload, failed)) {
    const auto bytes = Encode(failed, buffer);
    Require(failed.detail.size() > FailedMessage::kMaxDetail ||
            (bytes.size() == payload.size() &&
             memcmp(bytes.data(), payload.data(), bytes.size()) == 0));
  }
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  forkserver::FuzzFrame({data, size});
  return 0;
}
