// What the parent process calls a child, which cannot know it in a pid namespace of its own.
#include "absl/strings/str_format.h"
#include "transceiver/actor/actor_link.h"
#include "transceiver/actor/message_log.h"
#include "transceiver/actor/wire.h"

namespace forkserver {

void ActorLink::SendYourPid() {
  uint8_t bytes[sizeof(int32_t)];
  FieldWriter out(bytes);
  out.Number(options_.peer_pid);
  SendControl(kActorYourPid, 0, out.payload(), {});
}

absl::Status ActorLink::HandleYourPid(const Frame& frame, const ArrivedFields& fields) {
  // Whoever checks its peer's pid is the one who tells.
  if (is_parent_side_ || options_.peer_pid != 0 || peer_role_ != PeerRole::kParentProcess) {
    return Violation("told its pid by a peer that is not the parent process");
  }
  FieldReader in(fields.payload, fields.descriptors);
  const int32_t pid = in.Number<int32_t>();
  if (!in.End("").ok() || pid <= 0 || frame.request_id != 0)
    return Violation("told a pid that is none");
  MessageLog::TellOwnPid(pid);
  return absl::OkStatus();
}

}  // namespace forkserver
