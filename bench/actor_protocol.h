// What the benchmark's actors say to each other: two ways with a few bytes, and one way.
#ifndef BENCH_ACTOR_PROTOCOL_H_
#define BENCH_ACTOR_PROTOCOL_H_

#include <stddef.h>
#include <stdint.h>

#include <string_view>
#include <tuple>

#include "transceiver/actor/endpoint.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"
#include "transceiver/frame.h"

namespace bench {

inline constexpr size_t kSmallBytes = 64;
// So that the packet is the largest that there is.
inline constexpr size_t kLargeBytes = forkserver::kMaxPayloadBytes - sizeof(uint32_t);

struct Echoed {
  forkserver::BytesView<kSmallBytes> body = {};
  auto Fields() { return std::tie(body); }
};

struct Echo {
  static constexpr std::string_view kName = "Echo";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = Echoed;
  forkserver::BytesView<kSmallBytes> body = {};
  auto Fields() { return std::tie(body); }
};

struct Swallow {
  static constexpr std::string_view kName = "Swallow";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  forkserver::BytesView<kLargeBytes> body = {};
  auto Fields() { return std::tie(body); }
};

struct Line {
  static constexpr std::string_view kName = "Line";
  using Messages = forkserver::MessageList<Echo, Swallow>;
};

struct Connect {
  static constexpr std::string_view kName = "Connect";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  forkserver::Endpoint<Line, forkserver::Side::kChild> endpoint = {};
  auto Fields() { return std::tie(endpoint); }
};

// The top-level one, over the launch socket.
struct Exchange {
  static constexpr std::string_view kName = "Exchange";
  using Messages = forkserver::MessageList<Connect>;
};

}  // namespace bench

#endif  // BENCH_ACTOR_PROTOCOL_H_
