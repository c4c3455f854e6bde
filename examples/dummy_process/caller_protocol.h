// The primary protocol of the content process that calls.
#ifndef EXAMPLES_DUMMY_PROCESS_CALLER_PROTOCOL_H_
#define EXAMPLES_DUMMY_PROCESS_CALLER_PROTOCOL_H_

#include <string_view>
#include <tuple>

#include "child/process/content_messages.h"
#include "examples/dummy_process/hotline.h"
#include "transceiver/actor/protocol.h"

namespace dummy_process {

// Has the content process ask a dummy process, and say what that said.
struct BeAssisted {
  static constexpr std::string_view kName = "BeAssisted";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = Assistance;
  auto Fields() { return std::tie(); }
};

struct HotlineOpened {
  CallersEnd end = {};
  auto Fields() { return std::tie(end); }
};

struct OpenHotline {
  static constexpr std::string_view kName = "OpenHotline";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  using Reply = HotlineOpened;
  auto Fields() { return std::tie(); }
};

struct CallerProtocol {
  static constexpr std::string_view kName = "Caller";
  using Messages = forkserver::ContentMessages<BeAssisted, OpenHotline>;
};

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_CALLER_PROTOCOL_H_
