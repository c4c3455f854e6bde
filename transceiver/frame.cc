#include "transceiver/frame.h"

#include <stdlib.h>

#include "transceiver/byte_order.h"
#include "transceiver/launch_path.h"

namespace forkserver {

std::string_view FrameErrorText(FrameError error) {
  switch (error) {
    case FrameError::kNone:
      return "no error";
    case FrameError::kEmpty:
      return "empty packet";
    case FrameError::kShort:
      return "packet shorter than a frame";
    case FrameError::kMagic:
      return "wrong magic";
    case FrameError::kVersion:
      return "another protocol version";
    case FrameError::kReserved:
      return "reserved field is not zero";
    case FrameError::kFlags:
      return "unknown flag";
    case FrameError::kPayloadTooLarge:
      return "payload over the limit";
    case FrameError::kTooManyDescriptors:
      return "descriptors over the limit";
    case FrameError::kTruncated:
      return "packet over the limit";
    case FrameError::kDescriptorsTruncated:
      return "descriptors lost on the way";
    case FrameError::kPayloadSize:
      return "payload size differs from what arrived";
    case FrameError::kDescriptorCount:
      return "descriptor count differs from what arrived";
  }
  return "unknown frame error";
}

FORKSERVER_LAUNCH_PATH void EncodeFrame(const Frame& frame, std::span<uint8_t, kFrameBytes> bytes) {
  if (frame.payload_size > kMaxPayloadBytes || frame.descriptor_count > kMaxDescriptors ||
      (frame.flags & ~kKnownFlags) != 0) {
    abort();
  }
  ByteWriter out(bytes);
  out.U32(kFrameMagic);
  out.U16(kProtocolVersion);
  out.U16(frame.type);
  out.U64(frame.request_id);
  out.U32(frame.payload_size);
  out.U32(frame.descriptor_count);
  out.U32(frame.flags);
  out.U32(0);
}

FORKSERVER_LAUNCH_PATH FrameError DecodeFrame(std::span<const uint8_t> packet, Frame& frame) {
  if (packet.empty()) return FrameError::kEmpty;
  if (packet.size() < kFrameBytes) return FrameError::kShort;
  ByteReader in(packet.first(kFrameBytes));
  if (in.U32() != kFrameMagic) return FrameError::kMagic;
  if (in.U16() != kProtocolVersion) return FrameError::kVersion;
  frame.type = in.U16();
  frame.request_id = in.U64();
  frame.payload_size = in.U32();
  frame.descriptor_count = in.U32();
  frame.flags = in.U32();
  if (in.U32() != 0) return FrameError::kReserved;
  if ((frame.flags & ~kKnownFlags) != 0) return FrameError::kFlags;
  if (frame.payload_size > kMaxPayloadBytes) return FrameError::kPayloadTooLarge;
  if (frame.descriptor_count > kMaxDescriptors) return FrameError::kTooManyDescriptors;
  return FrameError::kNone;
}

FORKSERVER_LAUNCH_PATH FrameError CheckFrameAgainstPacket(const Frame& frame, size_t packet_bytes,
                                                          size_t descriptor_count) {
  if (packet_bytes != kFrameBytes + frame.payload_size) return FrameError::kPayloadSize;
  if (descriptor_count != frame.descriptor_count) return FrameError::kDescriptorCount;
  return FrameError::kNone;
}

bool FrameIsKnown(FrameError error) {
  switch (error) {
    case FrameError::kEmpty:
    case FrameError::kShort:
    case FrameError::kMagic:
    case FrameError::kVersion:
      return false;
    default:
      return true;
  }
}

}  // namespace forkserver
