// Ready: the child's word that every step of its Plan has been applied and that the next
// instruction is its own program's.
//
// It carries the time at which each step was done (NowNanos, the clock of all processes), the
// child's build id (a child that was started by exec may have loaded newer libraries than its
// host), and its pid in its own namespace. Encoding does not allocate.
#ifndef CHILD_READY_H_
#define CHILD_READY_H_

#include <stdint.h>

#include <array>
#include <optional>
#include <span>

#include "child/launch_step.h"
#include "child/sandbox/sandbox_report.h"
#include "transceiver/byte_order.h"

namespace forkserver {

struct ReadyMessage {
  uint64_t build_id = 0;
  int32_t pid = 0;
  int64_t started_at = 0;  // the child's first instruction (for an exec, main's)
  int64_t plan_received_at = 0;
  // When each step was done; 0 for steps that are not the child's.
  std::array<int64_t, kLaunchStepCount> done_at = {};
  // Of a child that has engaged its sandbox by itself, since it was exec'ed; its listener, where it
  // has that layer, travels with the message. What a fork has, its template has told of.
  std::optional<SandboxReport> sandbox = {};

  static constexpr size_t kBytes = 8 + 4 + 8 + 8 + 8 * kLaunchStepCount + 1;
  static constexpr size_t kMostBytes = kBytes + SandboxReport::kBytes;
};

inline std::span<const uint8_t> Encode(const ReadyMessage& message, std::span<uint8_t> buffer) {
  ByteWriter out(buffer);
  out.U64(message.build_id);
  out.I32(message.pid);
  out.I64(message.started_at);
  out.I64(message.plan_received_at);
  for (const int64_t at : message.done_at) out.I64(at);
  out.U8(message.sandbox.has_value());
  if (message.sandbox) Encode(*message.sandbox, out);
  return out.written();
}

// False: the payload is not such a message.
inline bool Decode(std::span<const uint8_t> payload, ReadyMessage& message) {
  ByteReader in(payload);
  message.build_id = in.U64();
  message.pid = in.I32();
  message.started_at = in.I64();
  message.plan_received_at = in.I64();
  for (int64_t& at : message.done_at) at = in.I64();
  message.sandbox.reset();
  if (in.U8() != 0 && !Decode(in, message.sandbox.emplace())) return false;
  return in.AtEnd();
}

}  // namespace forkserver

#endif  // CHILD_READY_H_
