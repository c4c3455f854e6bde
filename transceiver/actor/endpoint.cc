#include "transceiver/actor/endpoint.h"

#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_format.h"
#include "transceiver/actor/text.h"
#include "transceiver/errno_status.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

// The default holds three packets of 64 KiB or 278 small ones: then a fast sender sleeps, and is
// woken when three quarters are read, so that both ends mostly wait for each other. The kernel
// doubles it for its own books.
constexpr int kSocketRoom = 512 * 1024;

using RemoteType = Text<kMaxRemoteTypeBytes>;

PeerRole RoleOf(const PeerName& name) {
  return name.pid == getpid() ? PeerRole::kParentProcess : PeerRole::kOther;
}

}  // namespace

void EndpointParts::Put(FieldWriter& out, uint32_t protocol_hash) const {
  if (checks_sender) return out.Fail("an endpoint that checks its sender is to stay here");
  out.Number(protocol_hash);
  out.Number(peer.pid);
  out.Number(peer.process_type);
  out.Number(static_cast<uint8_t>(peer_role));
  Codec<RemoteType>::Put(out, RemoteType(peer.remote_type));
  out.Descriptor(socket.get());
}

void EndpointParts::Get(FieldReader& in, uint32_t protocol_hash) {
  if (in.Number<uint32_t>() != protocol_hash) in.Fail("an endpoint of another protocol");
  peer.pid = in.Number<int32_t>();
  peer.process_type = in.Number<uint16_t>();
  const uint8_t role = in.Number<uint8_t>();
  if (in.Allows(role, static_cast<uint8_t>(PeerRole::kOther), "of an enum")) {
    peer_role = static_cast<PeerRole>(role);
  }
  RemoteType remote_type;
  Codec<RemoteType>::Get(in, remote_type);
  peer.remote_type = remote_type.str();
  socket = in.Descriptor();
}

absl::StatusOr<EndpointPartsPair> CreateEndpointParts(PeerName parent_side, PeerName child_side) {
  for (const PeerName* name : {&parent_side, &child_side}) {
    if (name->remote_type.size() > kMaxRemoteTypeBytes) {
      return absl::InvalidArgumentError(
          absl::StrFormat("endpoint for pid %d: a remote type of %d bytes, at most %d", name->pid,
                          name->remote_type.size(), kMaxRemoteTypeBytes));
    }
  }
  SocketPair pair;
  if (const int error = CreateSocketPair(pair); error != 0) {
    return ErrnoStatus(error, "socketpair endpoint");
  }
  for (const UniqueFd* end : {&pair.first, &pair.second}) {
    // Less is what a kernel with a smaller net.core.wmem_max gives, and is good too.
    setsockopt(end->get(), SOL_SOCKET, SO_SNDBUF, &kSocketRoom, sizeof(kSocketRoom));
  }
  EndpointPartsPair parts;
  parts.parent = {.socket = std::move(pair.first), .peer_role = RoleOf(child_side)};
  parts.child = {.socket = std::move(pair.second), .peer_role = RoleOf(parent_side)};
  parts.parent.peer = std::move(child_side);
  parts.child.peer = std::move(parent_side);
  return parts;
}

absl::Status CheckSenderOf(EndpointParts& parts) {
  if (const int error = TellSender(parts.socket.get()); error != 0) {
    return ErrnoStatus(error, "setsockopt SO_PASSCRED endpoint");
  }
  parts.checks_sender = true;
  return absl::OkStatus();
}

}  // namespace forkserver
