#include "forkserver/host/orphan_blanks.h"

#include <utility>

#include "transceiver/messages.h"
#include "transceiver/packet.h"

namespace forkserver {

OrphanBlanks::~OrphanBlanks() {
  for (auto& [id, waiting] : waiting_) loop_.Unwatch(waiting.watch);
}

void OrphanBlanks::Add(UniqueFd socket, std::optional<SandboxMembership> membership,
                       ChildKind kind) {
  if (SendPacket(socket.get(), Blocking::kNever, {.type = kPlan}, {}, {}) != 0) return;
  const uint64_t id = next_id_++;
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(socket.get(), EPOLLIN, [this, id](uint32_t) { OnAnswer(id); });
  if (!watch.ok()) return;
  waiting_.emplace(id, Waiting{.socket = std::move(socket),
                               .watch = *watch,
                               .membership = std::move(membership),
                               .kind = kind});
}

void OrphanBlanks::OnAnswer(uint64_t id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  uint8_t buffer[FailedMessage::kMaxBytes];
  Packet packet(buffer, Sender::kUntrusted);
  const PacketOutcome outcome = ReceivePacket(found->second.socket.get(), Blocking::kNever, packet);
  if (outcome == PacketOutcome::kWouldBlock) return;
  loop_.Unwatch(found->second.watch);
  const std::optional<SandboxMembership> membership = std::move(found->second.membership);
  const ChildKind kind = found->second.kind;
  waiting_.erase(found);
  FailedMessage failed;
  if (outcome != PacketOutcome::kMessage || packet.frame().type != kFailed ||
      !Decode(packet.payload(), failed)) {
    return;
  }
  absl::StatusOr<Process> process = FindOrphan(membership, failed.pid, kTypeIsOpen, kind);
  if (process.ok()) reaper_.KillAndReap(*std::move(process));
}

}  // namespace forkserver
