// The duty to answer one call, now or later.
//
//     absl::Status Receive(GetAssistance& message, Resolver<Assistance> resolver) {
//       resolver.Resolve({.words = "Have you tried turning it off and on again?"});
//       return absl::OkStatus();
//     }
//
// Move-only. The first answer counts, later ones do nothing. One that is dropped in its handler,
// which returns an error, refuses with that; any other that is dropped unanswered
// rejects the call with Aborted and has it logged (ActorOptions::log). It may outlive its actor,
// and then does nothing. Threads: those of the actor's loop.
#ifndef TRANSCEIVER_ACTOR_RESOLVER_H_
#define TRANSCEIVER_ACTOR_RESOLVER_H_

#include <stdint.h>

#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "transceiver/actor/actor_link.h"
#include "transceiver/actor/codec.h"
#include "transceiver/actor/message_room.h"

namespace forkserver {

template <typename Reply>
class Resolver {
 public:
  Resolver() = default;
  Resolver(std::weak_ptr<ActorLink> link, uint64_t request_id, std::string_view message)
      : link_(std::move(link)), request_id_(request_id), message_(message) {}
  Resolver(Resolver&& other) noexcept
      : link_(std::move(other.link_)),
        request_id_(std::exchange(other.request_id_, 0)),
        message_(other.message_) {}
  Resolver& operator=(Resolver&& other) noexcept {
    if (this != &other) {
      Drop();
      link_ = std::move(other.link_);
      request_id_ = std::exchange(other.request_id_, 0);
      message_ = other.message_;
    }
    return *this;
  }
  ~Resolver() { Drop(); }

  bool is_answered() const { return request_id_ == 0; }

  // Always Ok, so that a handler that returns it does not blame the peer. What cannot be sent is
  // refused in its place, as TryResolve says.
  absl::Status Resolve(const Reply& reply) {
    TryResolve(reply).IgnoreError();
    return absl::OkStatus();
  }
  // For a reply that somebody has to know the fate of. Internal: it is over its limits, a mistake
  // of this side's, which the log has too. ResourceExhausted: it would wait unread with too many
  // others. The caller hears the same. Ok where nobody waits for it any more.
  absl::Status TryResolve(const Reply& reply) {
    const uint64_t id = std::exchange(request_id_, 0);
    const std::shared_ptr<ActorLink> link = link_.lock();
    if (id == 0 || link == nullptr || !link->AwaitsAnswers()) return absl::OkStatus();
    MessageRoom<Reply> room(*link);
    FieldWriter out(room.bytes());
    EncodeMessage(out, reply);
    return link->Resolve(id, message_, out);
  }

  // Code and text (of at most 256 bytes) travel.
  void Reject(const absl::Status& why) {
    const uint64_t id = std::exchange(request_id_, 0);
    const std::shared_ptr<ActorLink> link = link_.lock();
    if (id != 0 && link != nullptr) link->Reject(id, why);
  }

 private:
  void Drop() {
    const uint64_t id = std::exchange(request_id_, 0);
    if (id == 0) return;
    if (const std::shared_ptr<ActorLink> link = link_.lock()) link->RejectDropped(id, message_);
  }

  std::weak_ptr<ActorLink> link_;
  uint64_t request_id_ = 0;  // 0: answered
  std::string_view message_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_RESOLVER_H_
