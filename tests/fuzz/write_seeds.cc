// Writes the seeds that nobody can type, into the corpora of a tree:
//
//     bazel run //tests/fuzz:write_seeds -- "$PWD/tests/fuzz/corpus"
//
// What it writes is checked in: run it after a wire format has changed. The others are text, or
// what a fuzzer found.
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "child/plan.h"
#include "child/process/content_messages.h"
#include "child/ready.h"
#include "forkserver/server/hello.h"
#include "preload/prefs/prefs_map.h"
#include "preload/prefs/prefs_store.h"
#include "tests/examples/decode/hostile_pictures.h"
#include "tests/fuzz/fuzzed_protocol.h"
#include "transceiver/mapping.h"
#include "transceiver/messages.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes operator+(Bytes first, std::span<const uint8_t> second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

class Corpora {
 public:
  explicit Corpora(std::filesystem::path root) : root_(std::move(root)) {}

  void Put(std::string_view target, std::string_view name, std::span<const uint8_t> bytes) const {
    const std::filesystem::path folder = root_ / target;
    std::filesystem::create_directories(folder);
    std::ofstream file(folder / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) fprintf(stderr, "write_seeds: %s: not written\n", name.data());
  }

 private:
  const std::filesystem::path root_;
};

template <typename Message>
Bytes Written(const Message& message) {
  Bytes buffer(kMaxPayloadBytes);
  const std::span<const uint8_t> bytes = Encode(message, buffer);
  return {bytes.begin(), bytes.end()};
}

void PutMessages(const Corpora& corpora) {
  SandboxReport sandbox = {.policy = SandboxPolicyId::kContent, .level = 4};
  sandbox.Engaged(SandboxLayer::kUserNamespace);
  sandbox.Refused(SandboxLayer::kLandlockFiles, SandboxCall::kLandlockVersion, 0);

  HelloMessage hello;
  hello.protocol_version = kProtocolVersion;
  hello.build_id = 7;
  hello.warm_ups = {{.name = "fonts", .started_at = 3, .nanos = 5, .error = "open: ENOENT"}};
  hello.freeze.AddLeftOut(LeaveOutReason::kStack, "[stack]", 4096);
  hello.sandbox = sandbox;
  corpora.Put("messages", "hello", Bytes{0} + Written(hello));

  corpora.Put("messages", "forked",
              Bytes{1} + Written(ForkedMessage{.pid = 9, .received_at = 1, .cloned_at = 2}));

  const std::vector<std::string> argv = {"content", "-childID=7"};
  const std::vector<std::string> set = {"LANG=C"};
  const std::vector<std::string> unset = {"DISPLAY"};
  const PlannedDescriptor descriptors[] = {
      {.target = 0, .source = 1}, {.target = 2, .source = PlannedDescriptor::kTemplatesOwn}};
  const ResourceLimit limits[] = {{.resource = 7, .soft = 64, .hard = 64}};
  const SandboxPolicyId policies[] = {SandboxPolicyId::kContent};
  corpora.Put("messages", "plan",
              Bytes{2} + EncodePlan({.type = ProcessType::kContent,
                                     .argv = argv,
                                     .set_environment = set,
                                     .unset_environment = unset,
                                     .working_directory = "/",
                                     .name = "content",
                                     .title = "a title",
                                     .descriptors = descriptors,
                                     .limits = limits,
                                     .nice = 5,
                                     .parent_death_signal = 9,
                                     .host_pid = 4,
                                     .prefs_descriptor = 0,
                                     .sandbox_policies = policies}));

  ReadyMessage ready = {.build_id = 7, .pid = 12, .started_at = 3};
  corpora.Put("messages", "ready", Bytes{3} + Written(ready));
  ready.sandbox = sandbox;
  corpora.Put("messages", "ready-with-sandbox", Bytes{3} + Written(ready));
  // No such report: which call refused it?
  ready.sandbox->Refused(SandboxLayer::kLimits, SandboxCall::kNone, 0);
  corpora.Put("messages", "ready-refused-by-nothing", Bytes{3} + Written(ready));

  corpora.Put("messages", "failed",
              Bytes{4} + Written(FailedMessage{
                             .step = 11, .about = kPlan, .error = 9, .index = 3, .detail = "tty"}));
}

// The bytes of the map that a store with `text` publishes.
Bytes MapOf(std::string_view text) {
  PrefsStore store;
  store.LoadText(text, "seed.js");
  absl::StatusOr<PrefsGeneration> generation = store.Publish();
  Mapping mapping;
  if (!generation.ok() || MapSealedMemfd(generation->fd->get(), PrefsMap::kMaxBytes,
                                         SealedAccess::kRead, mapping) != 0) {
    fprintf(stderr, "write_seeds: no map\n");
    return {};
  }
  return {mapping.bytes().begin(), mapping.bytes().end()};
}

void PutMaps(const Corpora& corpora) {
  const Bytes empty = MapOf("");
  const Bytes mixed = MapOf(
      "pref(\"a\", 1, locked); user_pref(\"a\", 2); pref(\"b\", \"text\"); pref(\"c\", true, "
      "sticky);");
  const Bytes model = MapOf(
      "pref(\"dom.ipc.processCount\", 9); pref(\"fission.autostart\", false);"
      "pref(\"browser.tabs.remote.separatedMozillaDomains\", \"a.test,b\");");
  corpora.Put("prefs_map", "empty", Bytes{0} + empty);
  corpora.Put("prefs_map", "mixed", Bytes{0} + mixed);
  corpora.Put("prefs_map", "mixed-mended", Bytes{1} + mixed);
  corpora.Put("prefs_map", "of-the-model", Bytes{1} + model);
}

// A message's fields, which name their descriptors by number only.
template <typename Message>
Bytes Fields(const Message& message) {
  Bytes buffer(kMaxPayloadBytes);
  FieldWriter out(buffer);
  EncodeMessage(out, message);
  Bytes written;
  for (const iovec& part : out.payload()) {
    written =
        std::move(written) + std::span(static_cast<const uint8_t*>(part.iov_base), part.iov_len);
  }
  return written;
}

template <typename Message>
constexpr uint8_t kIndexOf = FuzzedProtocol::Messages::IndexOf<Message>();

BrowserClaimField Claim() { return {.browser = 1, .site = "https://a.test", .user_context_id = 2}; }

Everything EveryField() {
  Everything message = {.flag = true, .step = StartStep::kInit, .number = -3, .hint = 7};
  message.bytes.data = {1, 2};
  static constexpr uint8_t kView[] = {3, 4, 5};
  message.view.data = kView;
  message.names.items.resize(2);
  message.names.items[1].items = {"one", "two"};
  return message;
}

void PutFields(const Corpora& corpora) {
  corpora.Put(
      "fields", "start-failed",
      Bytes{kIndexOf<StartFailed>, 0} + Fields(StartFailed{.step = StartStep::kPort, .why = "no"}));
  corpora.Put("fields", "create-nested",
              Bytes{kIndexOf<CreateNested>, 0} +
                  Fields(CreateNested{.from = Claim(), .url = "https://b.test/"}));
  corpora.Put("fields", "browser-opened",
              Bytes{kIndexOf<BrowserOpened>, 0} +
                  Fields(BrowserOpened{.bridge = 1, .as = Claim(), .url = "https://b.test/"}));
  corpora.Put("fields", "update-prefs", Bytes{kIndexOf<UpdatePrefs>, 1, 1});
  EndpointParts parts = {.socket = UniqueFd(dup(1)), .peer = {.pid = 7, .remote_type = "web"}};
  corpora.Put(
      "fields", "attach-bridge",
      Bytes{kIndexOf<AttachBridge>, 1, 5} +
          Fields(AttachBridge{.bridge = 1,
                              .end = Endpoint<ContentBridge, Side::kChild>(std::move(parts))}));
  corpora.Put("fields", "everything", Bytes{kIndexOf<Everything>, 0} + Fields(EveryField()));
  // What the last three of its fields say of a descriptor, a sealed memfd and a writable one.
  Bytes with_descriptors = Bytes{kIndexOf<Everything>, 3, 0, 1, 2} + Fields(EveryField());
  with_descriptors.resize(with_descriptors.size() - 3);
  corpora.Put("fields", "everything-with-descriptors",
              with_descriptors + Bytes{1, 1, 64, 0, 0, 0, 0, 0, 0, 0, 1, 64, 0, 0, 0, 0, 0, 0, 0});
  corpora.Put("fields", "files", Bytes{kIndexOf<Files>, 3, 0, 4, 5} + Bytes{3, 0, 0, 0});
}

// Operations of actor_fuzz.cc.
constexpr uint8_t kRun = 7;
constexpr uint8_t kCall = 8;
constexpr uint8_t kMood = 11;
constexpr uint8_t kState = 14;
constexpr uint8_t kOwnTypes = FuzzedProtocol::Messages::kCount + 1;

// A packet with `kinds` of descriptors.
Bytes Send(uint8_t type, uint8_t request_id, const Bytes& kinds, const Bytes& fields) {
  return Bytes{0, type, request_id, static_cast<uint8_t>(kinds.size())} + kinds +
         Bytes{static_cast<uint8_t>(fields.size())} + fields;
}

void PutActor(const Corpora& corpora) {
  constexpr uint8_t kReply = kOwnTypes;
  constexpr uint8_t kSentinel = kOwnTypes + 3;
  const Bytes everything = Fields(EveryField());
  const Bytes nested = Fields(CreateNested{.from = Claim(), .url = "https://b.test/"});
  corpora.Put("actor", "call-to-parent",
              Bytes{0} + Send(kIndexOf<Everything>, 1, {}, everything) +
                  Send(kIndexOf<CreateNested>, 2, {}, nested) + Bytes{kRun, 13, kRun});
  corpora.Put("actor", "late-answer",
              Bytes{0, kMood, 2} + Send(kIndexOf<CreateNested>, 1, {}, nested) + Bytes{kRun, 12});
  corpora.Put("actor", "destroyed-in-a-handler",
              Bytes{0, kMood, 16} + Send(kIndexOf<Everything>, 1, {}, everything) + Bytes{kRun});
  corpora.Put("actor", "files",
              Bytes{5} + Send(kIndexOf<Files>, 0, {0, 3}, {2, 0, 0, 0}) + Bytes{kRun, 9, 1, 13});
  corpora.Put("actor", "prefs-to-child",
              Bytes{1} + Send(kIndexOf<UpdatePrefs>, 0, {1}, {}) + Bytes{kRun, 10});
  corpora.Put(
      "actor", "answered",
      Bytes{1, kCall} + Send(kReply, 1, {0}, {1, 0, 0, 0, 'w', 1, 0, 0, 0, 1}) + Bytes{kRun});
  corpora.Put("actor", "closes-in-order",
              Bytes{8} + Send(kSentinel, 0, {}, {}) + Bytes{kRun, kState, 2} +
                  Send(kSentinel + 1, 0, {}, {}) + Bytes{kRun});
  corpora.Put("actor", "garbage", Bytes{0, 6, 1, 5, 7, 'g', 'a', 'r', 'b', 'a', 'g', 'e', kRun});
}

// One of each kind, by its name with dashes.
void PutPictures(const Corpora& corpora) {
  for (const browser_host::NamedPicture& picture : browser_host::SoundPictures()) {
    std::string name = picture.name;
    std::replace(name.begin(), name.end(), ' ', '-');
    corpora.Put("image_decoder", name, picture.bytes);
  }
}

}  // namespace
}  // namespace forkserver

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "write_seeds: wants the corpora's folder\n");
    return 2;
  }
  const forkserver::Corpora corpora(argv[1]);
  forkserver::PutMessages(corpora);
  forkserver::PutMaps(corpora);
  forkserver::PutFields(corpora);
  forkserver::PutActor(corpora);
  forkserver::PutPictures(corpora);
  return 0;
}
