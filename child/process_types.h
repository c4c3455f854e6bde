// The one table of process types. Everything that differs by type reads it; a new type is one row
// of process_types.def and one ChildProgram. docs/process-types.md is the table printed.
//
//     const ProcessTypeRow* row = FindProcessType(type);       // null: no such type
//     row->name                                                // "content"
//     MayConnect(ProcessType::kContent, ProcessType::kVr)      // false
//     kLaunchableProcessTypes.contains(type)                   // an embedder can launch it
//
// Immutable, usable anywhere, also between fork and Ready. The one exception: ProcessTypeNames
// allocates. What the columns must have to each other is checked where the table is compiled, so
// that a row that lacks something does not build.
#ifndef CHILD_PROCESS_TYPES_H_
#define CHILD_PROCESS_TYPES_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string>
#include <string_view>

#include "child/process_type.h"
#include "child/process_type_set.h"
#include "child/sandbox/sandbox_policy_id.h"

namespace forkserver {

enum class Launchable : uint8_t {
  kNo,        // is there already, as the program that the user started, or is not of this system
  kByServer,  // templates: the fork server starts them, and has their program
  kYes,       // by Launch, with a program of the embedder's
};

enum class ProcessStart : uint8_t {
  kIsThere,
  kAtOnce,    // with the program (forkserver/model/service_process.h)
  kOnDemand,  // by the first who needs it; `condition` says for what, where that is special
  kNever,     // not here
};

enum class MainLoop : uint8_t {
  kNone,      // not here
  kHosts,     // the embedder's own, which the host's fits into
  kForkLoop,  // a template's: waits for Forks, and makes no threads
  kMessages,  // blocks on its launch socket, the one channel that it has
  kEvents,    // an event loop: endpoints to other processes, timers
};

// What does a type's work where it cannot be launched, or ended and is not to be started again
// (forkserver/model/service_process.h).
enum class ParentFallback : uint8_t {
  kNone,
  kCompositingThread,  // of the parent; runs the program that the process would have run
};

// When the end of everything is a type's turn (forkserver/model/end_processes.h): who uses others
// before those.
enum class EndTurn : uint8_t { kFirst, kSecond, kLast };

enum class Platform : uint8_t { kAny, kLinux, kWindows, kWindowsOnArm };

// How many blank children wait ahead for launches of a type, when it is launched at all.
struct PoolBounds {
  uint8_t min = 1;
  uint8_t max = 3;  // 0: its launches are always forks of their own
};
inline constexpr PoolBounds kNoPool = {.min = 0, .max = 0};

// Up to where early children record the pages that later ones are to have; page_recorder.h. Up to
// Ready, and to the end of the start steps, a record tells nothing of a child but that it is one.
// Which pages its first work read tells its later siblings something of that work: only for types
// whose children may know it.
enum class RecordedUntil : uint8_t {
  kReady,
  kStarted,  // of programs that have start steps; of others up to Ready
  kFirstWork,
};

// TASK_COMM_LEN without its NUL: what the kernel keeps of a process name.
inline constexpr size_t kMaxProcessNameBytes = 15;

// Each column's default is what most rows have; a row of process_types.def writes the others.
struct ProcessTypeRow {
  ProcessType type = ProcessType::kParent;
  std::string_view name = {};              // also the process name of its children
  std::string_view user_facing_name = {};  // for tables and reports
  std::string_view other_names = {};       // that the field has for it, with | between them
  // Of the top-level actor pair over its launch socket; empty: it has none.
  std::string_view primary_protocol = {};
  // Types at the other ends of its top-level actors: kParent by the primary protocol, others by
  // endpoints. No other two processes are connected. Where A has B, B has A.
  ProcessTypeSet connections = {};
  Launchable launchable = Launchable::kYes;
  ProcessStart start = ProcessStart::kOnDemand;
  std::string_view condition = {};  // of kOnDemand: what asks for it, as "WebVR"; empty: any
  MainLoop main_loop = MainLoop::kEvents;
  // The template that an embedder has for it, "root" or one with the policy: what to name it in
  // TemplateOptions. Types of one policy can share one.
  std::string_view template_name = {};
  // The policy that is written for the type (docs/sandbox.md); kNone: there is none. What a child
  // gets is its template's to say (TemplateOptions::sandbox).
  SandboxPolicyId sandbox = SandboxPolicyId::kNone;
  PoolBounds pool = kNoPool;
  RecordedUntil recorded_until = RecordedUntil::kStarted;
  ParentFallback fallback = ParentFallback::kNone;
  EndTurn ends = EndTurn::kSecond;
  // How reports name it, to machines ([a-z0-9_]) and to people.
  std::string_view crash_annotation = {};
  std::string_view memory_report = {};
  Platform platform = Platform::kAny;

  // Its bit in the masks of components (components/component_registry.h).
  constexpr uint32_t component_bit() const { return ProcessTypeSet({type}).bits(); }
};

// Policies that need no row. Two are variants of content, whose type their children have: what
// differs is the template. Compute-only is for whoever has bytes in and bytes out, of any type.
inline constexpr SandboxPolicyId kPoliciesWithoutType[] = {
    SandboxPolicyId::kFileContent, SandboxPolicyId::kExtension, SandboxPolicyId::kComputeOnly};

// All rows, in the order of their numbers.
std::span<const ProcessTypeRow> ProcessTypes();

// The row of a number that came over the wire, or null.
const ProcessTypeRow* FindProcessType(uint32_t number);
inline const ProcessTypeRow* FindProcessType(ProcessType type) {
  return FindProcessType(static_cast<uint32_t>(type));
}

// The type's name, or "unknown type".
std::string_view ProcessTypeName(ProcessType type);

// "content, gpu"; "none" for no types.
std::string ProcessTypeNames(ProcessTypeSet types);

// Whether a top-level actor pair may be between processes of these types. False for a type that is
// none.
bool MayConnect(ProcessType one, ProcessType other);

// Those with Launchable::kYes.
extern const ProcessTypeSet kLaunchableProcessTypes;

}  // namespace forkserver

#endif  // CHILD_PROCESS_TYPES_H_
