// The message catalogue: every type that the launch protocol knows, who may send it, and how
// large it may be. A receiver looks a type up here before it looks at a payload.
//
//     host -> template   Fork      one end of a fresh socketpair: the launch socket; and, where the
//                                  host keeps them, the child's flight record
//     template -> host   Forked    pid, times, and the pidfd      (or Failed)
//     host -> child      Plan      on the launch socket
//     child -> host      Ready     times, on the launch socket    (or Failed)
//     template -> host   Hello     once, before the first Fork is answered
//     host -> either     Ping      answered by Pong with the same payload
//     host -> either     Shutdown  the receiver exits with status 0; no answer but the hang-up
//
// Answers carry the request id of what they answer. Types from kFirstApplicationType on belong
// to the programs that talk over a launch socket after Ready.
//
// The payloads that the wire itself owns are encoded here; Hello, Plan and Ready are encoded by
// the rooms that know what is in them. Nothing here allocates.
#ifndef TRANSCEIVER_MESSAGES_H_
#define TRANSCEIVER_MESSAGES_H_

#include <stdint.h>

#include <span>
#include <string_view>

#include "transceiver/frame.h"

namespace forkserver {

enum MessageType : uint16_t {
  kHello = 1,
  kFork = 2,
  kForked = 3,
  kPlan = 4,
  kReady = 5,
  kFailed = 6,
  kPing = 7,
  kPong = 8,
  kShutdown = 9,

  kFirstApplicationType = 0x1000,
};

enum class MessageDirection : uint8_t { kFromHost, kToHost };

struct MessageRow {
  MessageType type;
  std::string_view name;
  MessageDirection direction;
  uint32_t min_payload;
  uint32_t max_payload;
  uint32_t min_descriptors;
  uint32_t max_descriptors;
  uint32_t flags;  // that its frame may carry
};

// All rows, in the order of their types.
std::span<const MessageRow> MessageCatalogue();

// The row of `type`, or null for a type that is not of the launch protocol.
const MessageRow* FindMessage(uint16_t type);

// "Fork", "application message", "unknown message".
std::string_view MessageName(uint16_t type);

enum class MessageCheck : uint8_t { kGood, kUnknownType, kWrongDirection, kPayload, kDescriptors };

// Whether a message that arrived on the `direction` side may be what its frame says.
MessageCheck CheckMessage(const Frame& frame, MessageDirection direction);

// Template -> host: a child was forked. Its pidfd is the only descriptor, and is not there where
// too many of the user's descriptors were in flight.
struct ForkedMessage {
  int32_t pid = 0;          // in the template's pid namespace
  int64_t received_at = 0;  // when the template had read Fork (NowNanos)
  int64_t cloned_at = 0;    // when clone3 had returned in the template

  static constexpr size_t kBytes = 20;
};

// Template or child -> host: what was asked for was not done.
struct FailedMessage {
  uint16_t step = 0;        // which step failed; the number is the sender's (LaunchStep)
  uint16_t about = 0;       // the type of the message that asked for it, or 0
  int32_t error = 0;        // errno
  uint32_t index = 0;       // which element of a list (a descriptor, a limit), or 0
  std::string_view detail;  // at most kMaxDetail bytes; mostly empty

  static constexpr size_t kMaxDetail = 256;
  static constexpr size_t kMinBytes = 17;
  static constexpr size_t kMaxBytes = kMinBytes + kMaxDetail;
};

// The encoders return the part of `buffer` that was written. It must have room for the largest
// message of its kind; a detail that is too long is cut.
std::span<const uint8_t> Encode(const ForkedMessage& message, std::span<uint8_t> buffer);
std::span<const uint8_t> Encode(const FailedMessage& message, std::span<uint8_t> buffer);

// False: the payload is not such a message. Text points into `payload`.
bool Decode(std::span<const uint8_t> payload, ForkedMessage& message);
bool Decode(std::span<const uint8_t> payload, FailedMessage& message);

}  // namespace forkserver

#endif  // TRANSCEIVER_MESSAGES_H_
