// The actor pair between a content process and one nested below it. The owner has the parent side.
//
// The two talk about browsers that the parent process has opened on the bridge; what they say is
// the program's affair. The parent closes it with its last browser (content_messages.h).
#ifndef CHILD_PROCESS_CONTENT_BRIDGE_H_
#define CHILD_PROCESS_CONTENT_BRIDGE_H_

#include <stdint.h>

#include <string_view>
#include <tuple>

#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace forkserver {

struct BridgeAnswer {
  Bytes<32 * 1024> data = {};
  auto Fields() { return std::tie(data); }
};

struct BridgeMessage {
  static constexpr std::string_view kName = "BridgeMessage";
  static constexpr SentBy kSentBy = SentBy::kEither;
  using Reply = BridgeAnswer;
  uint64_t browser = 0;
  Text<64> name = {};
  Bytes<32 * 1024> data = {};
  auto Fields() { return std::tie(browser, name, data); }
};

struct ContentBridge {
  static constexpr std::string_view kName = "ContentBridge";
  using Messages = MessageList<BridgeMessage>;
};

}  // namespace forkserver

#endif  // CHILD_PROCESS_CONTENT_BRIDGE_H_
