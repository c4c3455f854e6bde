// The primary protocol of dummy processes.
#ifndef EXAMPLES_DUMMY_PROCESS_DUMMY_PROTOCOL_H_
#define EXAMPLES_DUMMY_PROCESS_DUMMY_PROTOCOL_H_

#include <string_view>
#include <tuple>

#include "child/process/top_level_messages.h"
#include "examples/dummy_process/hotline.h"
#include "transceiver/actor/protocol.h"

namespace dummy_process {

// The dummy's end of the one line that it answers.
struct AnswerHotline {
  static constexpr std::string_view kName = "AnswerHotline";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  DummysEnd end = {};
  auto Fields() { return std::tie(end); }
};

struct DummyProtocol {
  static constexpr std::string_view kName = "Dummy";
  using Messages = forkserver::TopLevelMessages<AnswerHotline>;
};

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_DUMMY_PROTOCOL_H_
