// Hello: what a template says of itself once, before it serves its first Fork.
//
// The host refuses a template of another protocol version or build id, and shows the rest to
// whoever asks how the launches came to cost what they cost.
//
// Descriptors that travel with it: the listener, where the sandbox has engaged that layer; then the
// pidfd and the lifeline of the init, where it has engaged a pid namespace.
#ifndef FORKSERVER_SERVER_HELLO_H_
#define FORKSERVER_SERVER_HELLO_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "child/sandbox/sandbox_report.h"
#include "preload/freeze/freeze_report.h"
#include "preload/warm_up.h"

namespace forkserver {

constexpr size_t kMostHelloDescriptors = 3;

// What this template's kernel gives it, and what it does without.
enum TemplateCapability : uint32_t {
  kForksWithClone3 = 1u << 0,  // else by clone(2)
  kKeepsThreadIds = 1u << 1,   // else see ThreadBlock::tid
  kSilentChildren = 1u << 2,   // its children send no SIGCHLD; else it was exec'ed
  kHostsChildren = 1u << 3,    // its children are the host's; else it is a pid namespace's init,
                               // which cannot give them away (CLONE_PARENT), and forks none
};

struct HelloMessage {
  uint32_t protocol_version = 0;
  uint64_t build_id = 0;
  int32_t pid = 0;            // in its own pid namespace
  uint32_t capabilities = 0;  // TemplateCapability
  int64_t started_at = 0;     // NowNanos: its own Ready
  int64_t serving_at = 0;     // warmed up and about to serve
  std::vector<WarmUpReport> warm_ups;
  FreezeReport freeze;
  SandboxReport sandbox;
};

// Into `buffer`, of kMaxPayloadBytes; returns the part that was written. Long names and errors are
// cut, and warm-ups that do not fit in a message are left out. Does not allocate: a template that
// has frozen its memory must not write to it.
std::span<const uint8_t> Encode(const HelloMessage& message, std::span<uint8_t> buffer);
absl::StatusOr<HelloMessage> DecodeHello(std::span<const uint8_t> payload);

}  // namespace forkserver

#endif  // FORKSERVER_SERVER_HELLO_H_
