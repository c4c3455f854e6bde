#include "forkserver/host/template_remains.h"

#include <sys/socket.h>

#include <memory>

#include "transceiver/messages.h"
#include "transceiver/packet.h"

namespace forkserver {

void TemplateRemains::Disown(const ForkRequester& requester) {
  for (auto& [id, asked] : parts_.owed) {
    if (asked.requester == &requester) asked.requester = nullptr;
  }
}

// One that its Hello was to bring. An init ends when all others of its namespace have been reaped:
// so each child that is found holds it, as it does where the Hello came. It has not exec'ed: of a
// forked template it is silent, and whoever is not is somebody else.
void TemplateRemains::TakeLostInit(pid_t pid) {
  if (parts_.children.is_in_chain) return;  // it has its chain's
  absl::StatusOr<Process> init =
      parts_.children.Find(pid, ProcessType::kForkServer, parts_.children.kind);
  if (!init.ok()) return;
  SandboxChain::Parts chain;
  chain.init.emplace(*std::move(init));
  parts_.children.sandbox = std::make_unique<TemplateSandbox>();
  parts_.children.sandbox->children.chain = std::make_shared<SandboxChain>(std::move(chain));
}

void TemplateRemains::Deliver(uint64_t id, Process child, const ForkedMessage& forked,
                              Reaper& reaper) {
  const auto found = parts_.owed.find(id);
  ForkRequester* const requester = found != parts_.owed.end() ? found->second.requester : nullptr;
  if (requester == nullptr || !parts_.has_said_hello) return reaper.KillAndReap(std::move(child));
  parts_.owed.erase(found);
  requester->OnForked(id, std::move(child), forked);
}

void TemplateRemains::TakeUnread(Reaper& reaper) {
  // It may have left the other end to somebody who goes on sending: what is there, and no more.
  shutdown(parts_.socket.get(), SHUT_RD);
  uint8_t buffer[FailedMessage::kMaxBytes];
  for (size_t i = 0; i < parts_.most_unread; ++i) {
    Packet packet(buffer, Sender::kUntrusted);
    const PacketOutcome outcome = ReceivePacket(parts_.socket.get(), Blocking::kNever, packet);
    // Without its pidfd, where there is no place for it, it still has the pid.
    const bool is_cut = outcome == PacketOutcome::kRejected &&
                        packet.frame_error() == FrameError::kDescriptorsTruncated;
    if (outcome == PacketOutcome::kRejected && !is_cut) continue;
    if (outcome != PacketOutcome::kMessage && !is_cut) return;
    ForkedMessage forked;
    if (packet.frame().type != kForked || !Decode(packet.payload(), forked) || forked.pid <= 0) {
      continue;
    }
    const uint64_t id = packet.frame().request_id;
    const auto found = parts_.owed.find(id);
    const ProcessType type = found != parts_.owed.end() ? found->second.type : kTypeIsOpen;
    absl::StatusOr<Process> child = parts_.children.TakeOver(packet, forked.pid, type);
    if (child.ok()) Deliver(id, *std::move(child), forked, reaper);
  }
}

void TemplateRemains::Settle(Reaper& reaper) {
  parts_.slots.clear();
  if (parts_.children.process != 0) {
    const Births births = ReadBirths(parts_.births);
    // Where there is no record, its Hello may have said it.
    if (births.maker != 0) parts_.children.own_pid = births.maker;
    if (births.init > 0 && !parts_.has_said_hello) TakeLostInit(births.init);
    if (parts_.socket.is_open()) TakeUnread(reaper);
    if (const auto last = parts_.owed.find(births.request_id);
        births.pid > 0 && last != parts_.owed.end()) {
      absl::StatusOr<Process> child =
          parts_.children.Find(births.pid, last->second.type, ChildKind::kAny);
      if (child.ok()) {
        Deliver(births.request_id, *std::move(child), {.pid = births.pid}, reaper);
      }
    }
  }
  for (const auto& [id, asked] : std::exchange(parts_.owed, {})) {
    if (asked.requester != nullptr) asked.requester->OnNoChild(id);
  }
}

}  // namespace forkserver
