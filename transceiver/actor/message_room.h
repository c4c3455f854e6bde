// Where one message is encoded before it is sent.
//
//     MessageRoom<M> room(link);
//     FieldWriter out(room.bytes());
//
// A message that is never large has its room here, on the stack; for the others the link keeps one
// for all of them, which a process that sends none does not have.
#ifndef TRANSCEIVER_ACTOR_MESSAGE_ROOM_H_
#define TRANSCEIVER_ACTOR_MESSAGE_ROOM_H_

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <span>

#include "transceiver/actor/actor_link.h"
#include "transceiver/actor/codec.h"

namespace forkserver {

inline constexpr size_t kMostBytesOnStack = 512;

template <typename M, bool kIsSmall = (MaxEncodedBytes<M>() <= kMostBytesOnStack)>
class MessageRoom {
 public:
  explicit MessageRoom(ActorLink& link) : bytes_(link.scratch()) {}
  std::span<uint8_t> bytes() const { return bytes_; }

 private:
  std::span<uint8_t> bytes_;
};

template <typename M>
class MessageRoom<M, true> {
 public:
  explicit MessageRoom(ActorLink&) {}
  std::span<uint8_t> bytes() { return bytes_; }

 private:
  std::array<uint8_t, MaxEncodedBytes<M>()> bytes_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_MESSAGE_ROOM_H_
