// What a link that logs its messages (message_log.h) has to remember to name what it loses.
#ifndef TRANSCEIVER_ACTOR_LINK_LOG_H_
#define TRANSCEIVER_ACTOR_LINK_LOG_H_

#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "transceiver/actor/message_log.h"

namespace forkserver {

struct LinkLog {
  // Null: nobody asked for this one.
  static std::unique_ptr<LinkLog> ForActor(std::string_view protocol, std::string_view side) {
    std::unique_ptr<MessageLog> lines = MessageLog::ForActor(protocol, side);
    if (lines == nullptr) return nullptr;
    return std::make_unique<LinkLog>(LinkLog{.lines = std::move(lines)});
  }

  // The last `count` of the queue are still there.
  void Leave(size_t count) {
    while (queue.size() > count) queue.pop_front();
  }

  std::unique_ptr<MessageLog> lines;
  absl::flat_hash_map<uint64_t, std::string_view> peers_calls = {};  // without an answer, by id
  std::deque<LoggedItem> queue = {};  // as the channel's, or what is early
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_LINK_LOG_H_
