// The protocol with which the actors are fuzzed: all that content and its parent say, and messages
// with a field of every kind that there is.
#ifndef TESTS_FUZZ_FUZZED_PROTOCOL_H_
#define TESTS_FUZZ_FUZZED_PROTOCOL_H_

#include <stdint.h>

#include <optional>
#include <string_view>
#include <tuple>

#include "child/process/content_messages.h"
#include "child/process/start_step.h"
#include "transceiver/actor/descriptor.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/shared_memory.h"
#include "transceiver/actor/text.h"

namespace forkserver {

struct EverythingAnswer {
  Text<16> words = {};
  List<std::optional<Descriptor>, 4> files = {};
  auto Fields() { return std::tie(words, files); }
};

struct Everything {
  static constexpr std::string_view kName = "Everything";
  static constexpr SentBy kSentBy = SentBy::kEither;
  using Reply = EverythingAnswer;
  bool flag = false;
  StartStep step = StartStep::kArguments;
  int16_t number = 0;
  std::optional<uint32_t> hint = {};
  Bytes<32> bytes = {};
  BytesView<4096> view = {};
  List<List<Text<8>, 3>, 3> names = {};
  std::optional<Descriptor> file = {};
  std::optional<SealedMemory> sealed = {};
  std::optional<WritableMemory> writable = {};
  auto Fields() {
    return std::tie(flag, step, number, hint, bytes, view, names, file, sealed, writable);
  }
};

struct Files {
  static constexpr std::string_view kName = "Files";
  static constexpr SentBy kSentBy = SentBy::kEither;
  List<Descriptor, 8> files = {};
  auto Fields() { return std::tie(files); }
};

struct FuzzedProtocol {
  static constexpr std::string_view kName = "Fuzzed";
  using Messages = ContentMessages<Everything, Files>;
};

}  // namespace forkserver

#endif  // TESTS_FUZZ_FUZZED_PROTOCOL_H_
