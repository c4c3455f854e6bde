// How an actor is bound, and how it ended.
#ifndef TRANSCEIVER_ACTOR_ACTOR_OPTIONS_H_
#define TRANSCEIVER_ACTOR_ACTOR_OPTIONS_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <string_view>

#include "absl/status/status.h"

namespace forkserver {

// Who waits for room for the Goodbye, five seconds at most, when the socket is full.
enum class GoodbyeWaits : uint8_t {
  kInTheLoop,  // the loop sends it, which has to run on
  kInClose,    // Close (and what closes later) blocks: for a process that ends when it has closed
};

struct ActorOptions {
  // Every packet must be sent by this process (as this one's pid namespace numbers it), or it is a
  // violation. 0: not checked. Bind has the kernel tell (TellSender, packet.h); whoever gives a pid
  // for a socket that the peer has already does that before it hands the peer its end, since what
  // was sent earlier names nobody.
  int32_t peer_pid = 0;
  GoodbyeWaits goodbye_waits = GoodbyeWaits::kInTheLoop;
  // What the message log (message_log.h) calls the peer where neither peer_pid nor an endpoint says
  // it, as the parent process numbers it. 0: nobody knows.
  int32_t logged_peer_pid = 0;
  // The peer broke the protocol: which message and how. The actor ends right after, abnormally.
  // May destroy the actor.
  std::function<void(const absl::Status& violation)> on_violation = {};
  // For what nobody else is told of: a line without its end.
  std::function<void(std::string_view line)> log = {};
  // So many calls of the peer's may wait for their answers; no further message is handled until
  // half have theirs.
  size_t max_unanswered = 1024;
  // What Send queues behind a full socket, and what is kept for later: while CallAndWait waits, or
  // too many calls are unanswered.
  size_t max_queued_messages = 1024;
  size_t max_queued_bytes = 4 * 1024 * 1024;
  // Descriptors in either, in answers too: each is one of this process's own.
  size_t max_queued_descriptors = 256;
};

struct ActorEnd {
  enum class How : uint8_t {
    kNormal,    // one of the two closed
    kAbnormal,  // no Goodbye: the peer died, or one of the two broke the protocol
  };
  How how = How::kNormal;
  absl::Status why = {};  // Ok for a normal end

  bool is_normal() const { return how == How::kNormal; }
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_ACTOR_OPTIONS_H_
