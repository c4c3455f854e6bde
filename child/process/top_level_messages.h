// What every top-level protocol has in common: the first messages of its list.
//
//     struct DummyProtocol {
//       static constexpr std::string_view kName = "Dummy";
//       using Messages = TopLevelMessages<OpenHotline>;
//     };
#ifndef CHILD_PROCESS_TOP_LEVEL_MESSAGES_H_
#define CHILD_PROCESS_TOP_LEVEL_MESSAGES_H_

#include <stddef.h>

#include <string_view>
#include <tuple>

#include "child/process/own_memory.h"
#include "child/process/start_step.h"
#include "transceiver/actor/descriptor.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace forkserver {

// The prefs have changed: the memfd of the next generation's map (preload/prefs/prefs_map.h).
struct UpdatePrefs {
  static constexpr std::string_view kName = "UpdatePrefs";
  static constexpr SentBy kSentBy = SentBy::kParent;
  Descriptor map = {};
  auto Fields() { return std::tie(map); }
};

inline constexpr size_t kMaxFailureBytes = 512;

// A step of the child's start failed, and it ends.
struct StartFailed {
  static constexpr std::string_view kName = "StartFailed";
  static constexpr SentBy kSentBy = SentBy::kChild;
  StartStep step = StartStep::kInit;
  Text<kMaxFailureBytes> why = {};
  auto Fields() { return std::tie(step, why); }
};

template <typename... Own>
using TopLevelMessages = MessageList<UpdatePrefs, StartFailed, GetOwnMemory, Own...>;

}  // namespace forkserver

#endif  // CHILD_PROCESS_TOP_LEVEL_MESSAGES_H_
