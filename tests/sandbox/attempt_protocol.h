// What the children of the process model and their hosts say to each other about attempts: behind
// the messages that their types' protocols have anyway, the same for each type.
//
//     host                          child
//     Try{attempt, targets} ------>           makes it in the handler, the loop standing still
//             <------------ Tried             where it is still there
//     BeSibling{secret} ---------->           what attempts may be aimed at, in a child like theirs
//             <------------ Sibling
//     Misbehave{breach} ---------->           breaks the protocol, on the bare socket
#ifndef TESTS_SANDBOX_ATTEMPT_PROTOCOL_H_
#define TESTS_SANDBOX_ATTEMPT_PROTOCOL_H_

#include <stdint.h>

#include <string_view>
#include <tuple>

#include "child/process/content_messages.h"
#include "child/process/top_level_messages.h"
#include "tests/sandbox/attempts.h"
#include "transceiver/actor/descriptor.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace forkserver::testing {

// A descriptor that targets name. The child has it at a number of its own.
struct GivenField {
  int32_t number = -1;
  Descriptor descriptor = {};
  auto Fields() { return std::tie(number, descriptor); }
};

struct Tried {
  Outcome outcome = Outcome::kElsewhere;
  int32_t error = 0;
  Text<sizeof(AttemptResult::step)> step = {};
  auto Fields() { return std::tie(outcome, error, step); }
};

struct Try {
  static constexpr std::string_view kName = "Try";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Tried;
  Text<64> attempt = {};
  Text<2 * sizeof(AttemptTargets)> targets = {};  // EncodeTargets
  List<GivenField, 5> given = {};
  auto Fields() { return std::tie(attempt, targets, given); }
};

struct Sibling {
  uint64_t secret = 0;  // addresses
  uint64_t slate = 0;
  int32_t secret_fd = -1;
  auto Fields() { return std::tie(secret, slate, secret_fd); }
};

struct BeSibling {
  static constexpr std::string_view kName = "BeSibling";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Sibling;
  Text<kSecretBytes> secret = {};
  auto Fields() { return std::tie(secret); }
};

enum class Breach : uint8_t {
  kOtherDirection,      // a Try, which only the parent sends
  kUnknownMessage,      // the number behind the protocol's last
  kFieldOverItsLimit,   // a StartFailed that announces more text than it may have
  kPacketOverItsLimit,  // more bytes than any message may have
  kDescriptorFlood,     // its own socket, as often as packets hold it and the kernel takes them
  kReplyToNothing,      // an answer to a request that was not made
  kNoFrame,             // bytes that are no message
};
constexpr Breach LastValue(Breach) { return Breach::kNoFrame; }

struct Misbehave {
  static constexpr std::string_view kName = "Misbehave";
  static constexpr SentBy kSentBy = SentBy::kParent;
  Breach breach = Breach::kNoFrame;
  auto Fields() { return std::tie(breach); }
};

struct PlainAttemptProtocol {
  static constexpr std::string_view kName = "Attempts";
  using Messages = TopLevelMessages<Try, BeSibling, Misbehave>;
};
struct ContentAttemptProtocol {
  static constexpr std::string_view kName = "ContentAttempts";
  using Messages = ContentMessages<Try, BeSibling, Misbehave>;
};

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_ATTEMPT_PROTOCOL_H_
