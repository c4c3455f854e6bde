// One end of an actor pair that is not bound yet, with the name of who has the other end.
//
//     auto pair = CreateEndpoints<Hotline>(content_name, dummy_name);    // the parent process
//     content.Send(CallHotline{.endpoint = std::move(pair->parent)});
//     dummy.Send(AnswerHotline{.endpoint = std::move(pair->child)});
//     ...
//     hotline.Bind(loop, std::move(message.endpoint));                   // each of the two
//
// Only the parent process makes endpoints and hands them out: a message with one that a child may
// send does not compile, and an actor whose own endpoint says that its peer is not the parent
// process takes none from it.
// An end that the parent keeps for itself: CheckSender() before the other end leaves. Bind then
// has every packet's sender checked against the name (SCM_CREDENTIALS).
//
// Ownership: move-only; owns the socket. One that is dropped unbound ends the pair: the peer sees
// an abnormal end. Threads: as a value. After a fork: the child has a copy of the socket.
// On the wire: u32 hash of the protocol, i32 pid, u16 process type, u8 role, u32 length and remote
// type; one descriptor. A protocol that differs, by its name or by its messages, is malformed.
#ifndef TRANSCEIVER_ACTOR_ENDPOINT_H_
#define TRANSCEIVER_ACTOR_ENDPOINT_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transceiver/actor/codec.h"
#include "transceiver/actor/peer_name.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// What an endpoint is without its protocol.
struct EndpointParts {
  UniqueFd socket = {};
  PeerName peer = {};
  PeerRole peer_role = PeerRole::kOther;
  bool checks_sender = false;
  // Of an end that stays here: told before ActorOptions::on_violation.
  std::function<void(const absl::Status& violation)> on_violation = {};

  void Put(FieldWriter& out, uint32_t protocol_hash) const;
  void Get(FieldReader& in, uint32_t protocol_hash);
};

template <typename Protocol, Side kSide>
class Endpoint {
 public:
  Endpoint() = default;
  explicit Endpoint(EndpointParts parts) : parts_(std::move(parts)) {}

  bool is_open() const { return parts_.socket.is_open(); }
  const PeerName& peer() const { return parts_.peer; }
  PeerRole peer_role() const { return parts_.peer_role; }

  // Has Bind check who sends. For the process that made the pair, before the other end has left
  // it.
  absl::Status CheckSender();
  // Told by the actor that it is bound to, when the peer breaks the protocol.
  void OnViolation(std::function<void(const absl::Status& violation)> callback) {
    parts_.on_violation = std::move(callback);
  }

  EndpointParts Take() { return std::move(parts_); }

 private:
  friend struct Codec<Endpoint>;
  EndpointParts parts_;
};

template <typename Protocol>
struct EndpointPair {
  Endpoint<Protocol, Side::kParent> parent = {};
  Endpoint<Protocol, Side::kChild> child = {};
};

struct EndpointPartsPair {
  EndpointParts parent = {};
  EndpointParts child = {};
};
absl::StatusOr<EndpointPartsPair> CreateEndpointParts(PeerName parent_side, PeerName child_side);
absl::Status CheckSenderOf(EndpointParts& parts);

// Called by the parent process only, with the names of the processes that will have the two sides;
// the one with the caller's own pid is the parent process. Fails as socketpair(2) does, and with
// InvalidArgument for a remote type that is too long.
template <typename Protocol>
absl::StatusOr<EndpointPair<Protocol>> CreateEndpoints(PeerName parent_side, PeerName child_side) {
  absl::StatusOr<EndpointPartsPair> parts =
      CreateEndpointParts(std::move(parent_side), std::move(child_side));
  if (!parts.ok()) return parts.status();
  return EndpointPair<Protocol>{
      .parent = Endpoint<Protocol, Side::kParent>(std::move(parts->parent)),
      .child = Endpoint<Protocol, Side::kChild>(std::move(parts->child))};
}

template <typename Protocol, Side kSide>
absl::Status Endpoint<Protocol, kSide>::CheckSender() {
  return CheckSenderOf(parts_);
}

template <typename Protocol, Side kSide>
struct Codec<Endpoint<Protocol, kSide>> {
  static constexpr size_t kMaxBytes = 4 + 4 + 2 + 1 + 4 + kMaxRemoteTypeBytes;
  static constexpr size_t kMaxDescriptors = 1;
  static constexpr bool kHasEndpoint = true;
  // The other side's number differs too: an end for the wrong side is no end.
  static constexpr uint32_t Hash() {
    return ProtocolHash<Protocol>() ^ (kSide == Side::kParent ? 0u : 1u);
  }
  static void Put(FieldWriter& out, const Endpoint<Protocol, kSide>& endpoint) {
    endpoint.parts_.Put(out, Hash());
  }
  static void Get(FieldReader& in, Endpoint<Protocol, kSide>& endpoint) {
    endpoint.parts_.Get(in, Hash());
  }
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_ENDPOINT_H_
