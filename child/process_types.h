// The one table of process types. Everything that differs by type reads it; a new type is one
// row here and one ChildProgram.
//
//     const ProcessTypeRow* row = FindProcessType(type);       // null: no such type
//     row->name                                                // "content"
//
// Immutable, usable anywhere, also between fork and Ready.
#ifndef CHILD_PROCESS_TYPES_H_
#define CHILD_PROCESS_TYPES_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string_view>

#include "child/sandbox/sandbox_policy_id.h"

namespace forkserver {

// The numbers are on the wire: never reuse one.
enum class ProcessType : uint16_t {
  kParent = 0,
  kForkServer = 1,   // a template: its program is the fork loop
  kContent = 2,      // parses pages of one site
  kUtility = 3,      // anything short that has no type of its own
  kIpcUnitTest = 4,  // the project's own tests and benchmarks
  kDummy = 5,        // the worked example
  kMedia = 6,        // GMP: a media plug-in, with DRM
  kDataDecoder = 7,  // RDD: pictures, sound and video
  kSocket = 8,       // the program's connections
  kGpu = 9,
  kVr = 10,
};

enum class Launchable : uint8_t {
  kNo,  // is there already: the program that the user started
  kYes,
};

// Of a blank child, which is nothing yet.
inline constexpr ProcessType kTypeIsOpen = ProcessType::kParent;

// How many blank children wait ahead for launches of a type, when it is launched at all.
struct PoolBounds {
  uint8_t min = 1;
  uint8_t max = 3;  // 0: its launches are always forks of their own
};
inline constexpr PoolBounds kNoPool = {.min = 0, .max = 0};

// Up to where early children record the pages that later ones are to have; page_recorder.h. Up to
// Ready a record tells nothing of a child but that it is one. Which pages its first work read tells
// its later siblings something of that work: only for types whose children may know it.
enum class RecordedUntil : uint8_t { kReady, kFirstWork };

// TASK_COMM_LEN without its NUL: what the kernel keeps of a process name.
inline constexpr size_t kMaxProcessNameBytes = 15;

struct ProcessTypeRow {
  ProcessType type;
  std::string_view name;              // also the process name of its children
  std::string_view user_facing_name;  // for tables and reports
  Launchable launchable;
  PoolBounds pool;
  RecordedUntil recorded_until;
  // The policy that is written for the type (docs/sandbox.md); kNone: there is none. What a child
  // gets is its template's to say (TemplateOptions::sandbox).
  SandboxPolicyId sandbox;
};

// Policies that no row names. Two are variants of content, whose type their children have: what
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

}  // namespace forkserver

#endif  // CHILD_PROCESS_TYPES_H_
