// The frame: the 32 bytes in front of every message. Pure: no I/O, no allocation.
//
//      0      4         6      8            16             20                 24      28         32
//      | magic | version | type | request id | payload size | descriptor count | flags | reserved |
//
// All fields are little-endian and unsigned. A frame and its payload travel as one packet of a
// SOCK_SEQPACKET socket, so the sizes in the frame are not needed to find the end of a message:
// they are there to be checked against what arrived. `reserved` is zero.
//
//     uint8_t bytes[kFrameBytes];
//     EncodeFrame({.type = kPing, .request_id = 7, .payload_size = 4}, bytes);
//     Frame frame;
//     FrameError error = DecodeFrame(received, frame);   // kNone, or what is wrong
//
// Limits hold in every build and on both sides: a message of at most 64 KiB, frame included,
// with at most 253 descriptors (SCM_MAX_FD, unix(7)).
#ifndef TRANSCEIVER_FRAME_H_
#define TRANSCEIVER_FRAME_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string_view>

namespace forkserver {

inline constexpr uint32_t kFrameMagic = 0x56534B46;  // "FKSV" as bytes
inline constexpr uint16_t kProtocolVersion = 1;
inline constexpr size_t kFrameBytes = 32;
inline constexpr size_t kMaxMessageBytes = 64 * 1024;
inline constexpr size_t kMaxPayloadBytes = kMaxMessageBytes - kFrameBytes;
inline constexpr size_t kMaxDescriptors = 253;

// Flags of a frame. An unknown flag is an error: it may change what the message means.
enum FrameFlags : uint32_t {
  kNoFlags = 0,
  // The payload is not in the packet (its size is 0) but in the last descriptor, a sealed memfd
  // (sealed_memfd.h), so that the others keep their places. Only for the types whose catalogue
  // row allows it.
  kPayloadInMemfd = 1u << 0,
  // Of Fork: no Plan is on its way yet, so the child has time.
  kBlank = 1u << 1,
};
inline constexpr uint32_t kKnownFlags = kPayloadInMemfd | kBlank;

struct Frame {
  uint16_t type = 0;  // a MessageType, or a number that this side does not know
  uint64_t request_id = 0;
  uint32_t payload_size = 0;
  uint32_t descriptor_count = 0;
  uint32_t flags = kNoFlags;

  bool operator==(const Frame&) const = default;
};

enum class FrameError : uint8_t {
  kNone,
  kEmpty,                 // a packet without bytes: not an end of file
  kShort,                 // fewer bytes than a frame
  kMagic,                 // not this protocol
  kVersion,               // this protocol, another version
  kReserved,              // reserved field not zero
  kFlags,                 // a flag that this side does not know
  kPayloadTooLarge,       // the frame announces more than kMaxPayloadBytes
  kTooManyDescriptors,    // the frame announces more than kMaxDescriptors
  kTruncated,             // MSG_TRUNC: the packet was larger than a message may be
  kDescriptorsTruncated,  // MSG_CTRUNC: descriptors were lost (too many, or no free slot)
  kPayloadSize,           // announced and received bytes differ
  kDescriptorCount,       // announced and received descriptors differ
};

// "payload size differs from what arrived": for messages to people.
std::string_view FrameErrorText(FrameError error);

// `frame` must be within the limits: anything else is a bug of the caller's and aborts.
void EncodeFrame(const Frame& frame, std::span<uint8_t, kFrameBytes> bytes);

// Reads and checks the first kFrameBytes of `packet`. `frame` is set for every error but kEmpty,
// kShort, kMagic and kVersion, so that the sender can be answered by its request id.
FrameError DecodeFrame(std::span<const uint8_t> packet, Frame& frame);

// Checks what the frame announces against what came with it.
FrameError CheckFrameAgainstPacket(const Frame& frame, size_t packet_bytes,
                                   size_t descriptor_count);

// Whether DecodeFrame set `frame` in spite of `error`.
bool FrameIsKnown(FrameError error);

}  // namespace forkserver

#endif  // TRANSCEIVER_FRAME_H_
