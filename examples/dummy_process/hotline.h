// The line on which somebody asks a dummy process for assistance. The caller has the parent side,
// whichever process it is; the dummy process answers, and ends when the caller hangs up.
#ifndef EXAMPLES_DUMMY_PROCESS_HOTLINE_H_
#define EXAMPLES_DUMMY_PROCESS_HOTLINE_H_

#include <string_view>
#include <tuple>

#include "transceiver/actor/endpoint.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace dummy_process {

struct Assistance {
  forkserver::Text<256> words = {};
  auto Fields() { return std::tie(words); }
};

struct GetAssistance {
  static constexpr std::string_view kName = "GetAssistance";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = Assistance;
  auto Fields() { return std::tie(); }
};

struct Hotline {
  static constexpr std::string_view kName = "Hotline";
  using Messages = forkserver::MessageList<GetAssistance>;
};

using CallersEnd = forkserver::Endpoint<Hotline, forkserver::Side::kParent>;
using DummysEnd = forkserver::Endpoint<Hotline, forkserver::Side::kChild>;

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_HOTLINE_H_
