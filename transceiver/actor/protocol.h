// The declaration of a protocol, from which both ends are made.
//
//     struct GetAssistance {
//       static constexpr std::string_view kName = "GetAssistance";
//       static constexpr SentBy kSentBy = SentBy::kParent;
//       using Reply = Assistance;                 // left out: one way
//       Text<256> question = {};
//       auto Fields() { return std::tie(question); }
//     };
//     struct Hotline {
//       static constexpr std::string_view kName = "Hotline";
//       using Messages = MessageList<GetAssistance, HangUp>;   // numbered by position
//     };
//
// A declaration that cannot work does not compile: a message over the limits of a packet, and an
// Endpoint in what a child may send (a reply is sent by the side that was called): endpoints are
// made and handed out by the parent process alone.
#ifndef TRANSCEIVER_ACTOR_PROTOCOL_H_
#define TRANSCEIVER_ACTOR_PROTOCOL_H_

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <type_traits>

#include "transceiver/actor/codec.h"
#include "transceiver/actor/wire.h"
#include "transceiver/frame.h"

namespace forkserver {

// The two ends of a protocol. Which process has which is the protocol's affair; the end of the
// process that asked for the other one is mostly the parent side.
enum class Side : uint8_t { kParent, kChild };

enum class SentBy : uint8_t { kParent, kChild, kEither };

constexpr Side OtherSide(Side side) { return side == Side::kParent ? Side::kChild : Side::kParent; }

template <typename M>
constexpr bool MaySend(Side side) {
  return M::kSentBy == SentBy::kEither ||
         (M::kSentBy == SentBy::kParent) == (side == Side::kParent);
}

template <typename M>
concept HasReply = requires {
  typename M::Reply;
};

struct NoReply {};
template <typename M>
struct ReplyOfMessage {
  using Type = NoReply;
};
template <HasReply M>
struct ReplyOfMessage<M> {
  using Type = typename M::Reply;
};
template <typename M>
using ReplyOf = typename ReplyOfMessage<M>::Type;

template <typename T>
constexpr bool FitsAPacket() {
  return MaxEncodedBytes<T>() <= kMaxPayloadBytes && MaxDescriptors<T>() <= kMaxDescriptors;
}
// No endpoint in what a child may send.
template <typename M>
constexpr bool KeepsEndpointsWithTheParent() {
  return (!Codec<M>::kHasEndpoint || M::kSentBy == SentBy::kParent) &&
         (!Codec<ReplyOf<M>>::kHasEndpoint || M::kSentBy == SentBy::kChild);
}

template <typename... M>
struct MessageList {
  static_assert((FitsAPacket<M>() && ...), "a message is over the limits of a packet");
  static_assert((FitsAPacket<ReplyOf<M>>() && ...), "a reply is over the limits of a packet");
  static_assert((KeepsEndpointsWithTheParent<M>() && ...),
                "an Endpoint in what a child may send: only the parent process hands them out");
  static_assert(sizeof...(M) <= UINT16_MAX - kFirstApplicationType);

  static constexpr size_t kCount = sizeof...(M);

  // kCount: it is not in the list.
  template <typename Wanted>
  static constexpr size_t IndexOf() {
    const bool is_it[] = {std::is_same_v<Wanted, M>..., true};
    return static_cast<size_t>(std::find(is_it, is_it + kCount, true) - is_it);
  }

  // What a side sends at most, answers included.
  static constexpr size_t MaxSent(Side side) {
    size_t most = kMaxRejectBytes;
    ((most = std::max({most, MaySend<M>(side) ? MaxEncodedBytes<M>() : 0,
                       MaySend<M>(OtherSide(side)) ? MaxEncodedBytes<ReplyOf<M>>() : 0})),
     ...);
    return most;
  }
};

template <typename Protocol, typename M>
concept MessageOf = (Protocol::Messages::template IndexOf<M>() < Protocol::Messages::kCount);

// Two builds, or two protocols, that do not fit each other have different ones (FNV-1a of the
// names and sizes).
class ProtocolHasher {
 public:
  constexpr void Add(std::string_view text) {
    for (const char c : text) AddByte(static_cast<uint8_t>(c));
    AddByte(0);
  }
  constexpr void Add(uint64_t number) {
    for (int i = 0; i < 8; ++i) AddByte(static_cast<uint8_t>(number >> (8 * i)));
  }
  constexpr uint32_t hash() const { return hash_; }

 private:
  constexpr void AddByte(uint8_t byte) { hash_ = (hash_ ^ byte) * 16777619u; }
  uint32_t hash_ = 2166136261u;
};

template <typename... M>
constexpr void AddMessages(ProtocolHasher& hasher, MessageList<M...>*) {
  hasher.Add(sizeof...(M));
  const auto add = [&]<typename T>(T*) {
    hasher.Add(T::kName);
    hasher.Add(static_cast<uint64_t>(T::kSentBy));
    hasher.Add(MaxEncodedBytes<T>());
    hasher.Add(MaxDescriptors<T>());
    hasher.Add(HasReply<T> ? 1 : 0);
    hasher.Add(MaxEncodedBytes<ReplyOf<T>>());
    hasher.Add(MaxDescriptors<ReplyOf<T>>());
  };
  (add(static_cast<M*>(nullptr)), ...);
}

template <typename Protocol>
constexpr uint32_t ProtocolHash() {
  ProtocolHasher hasher;
  hasher.Add(Protocol::kName);
  AddMessages(hasher, static_cast<typename Protocol::Messages*>(nullptr));
  return hasher.hash();
}

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_PROTOCOL_H_
