// The Plan: everything that makes a bare fork into one particular child. The host encodes it, the
// child decodes it in place and applies it; a template never sees it.
//
//     Plan plan = {.type = ProcessType::kContent, .argv = argv, .descriptors = descriptors};
//     std::vector<uint8_t> payload = EncodePlan(plan);                    // host
//     PlanView view;                                                      // child
//     StepFailure failure = DecodePlan(payload, view);
//
// A Plan borrows its strings and lists for the call of EncodePlan. A PlanView points into the
// payload that it was decoded from, which must outlive it: argv and environment of the child are
// pointers into those bytes for the rest of its life. Decoding does not allocate.
#ifndef CHILD_PLAN_H_
#define CHILD_PLAN_H_

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "child/launch_step.h"
#include "child/process_types.h"
#include "child/sandbox/sandbox_layer.h"
#include "child/sandbox/sandbox_policy.h"
#include "transceiver/byte_order.h"

namespace forkserver {

// Arguments and environment together, as execve(2) limits them by default.
inline constexpr size_t kMaxArgumentBytes = 2 * 1024 * 1024;
// A whole Plan: the arguments, and room for the rest.
inline constexpr size_t kMaxPlanBytes = kMaxArgumentBytes + 256 * 1024;
// Entries of the descriptor list: more than can be passed, since one may be placed twice.
inline constexpr size_t kMaxPlannedDescriptors = 512;
inline constexpr size_t kMaxTitleBytes = 4096;

enum class OnExec : uint8_t { kClose, kInherit };

// Where one descriptor of the child comes from and goes to.
struct PlannedDescriptor {
  // The child's descriptor `target` is the template's descriptor of that number.
  static constexpr uint32_t kTemplatesOwn = UINT32_MAX;

  uint32_t target = 0;
  uint32_t source = 0;  // index of a descriptor that travels with the Plan, or kTemplatesOwn
  OnExec on_exec = OnExec::kClose;
};

struct ResourceLimit {
  int resource = 0;  // RLIMIT_*
  uint64_t soft = 0;
  uint64_t hard = 0;
};

enum class EnvironmentBase : uint8_t {
  kTemplate,  // the template's environment, changed as the Plan says
  kEmpty,     // exactly what the Plan sets
};

struct Plan {
  ProcessType type = ProcessType::kParent;
  std::span<const std::string> argv = {};

  EnvironmentBase environment_base = EnvironmentBase::kTemplate;
  std::span<const std::string> set_environment = {};    // "NAME=VALUE"
  std::span<const std::string> unset_environment = {};  // "NAME"

  std::string_view working_directory = {};  // empty: the template's
  std::string_view name = {};               // at most 15 bytes; empty: the template's
  std::string_view title = {};              // what ps shows; empty: the template's

  std::span<const PlannedDescriptor> descriptors = {};
  std::span<const ResourceLimit> limits = {};
  std::optional<int> nice = {};

  int parent_death_signal = 0;  // 0: none
  int host_pid = 0;             // whose death it is; 0: not checked
  uint64_t signal_mask = 0;     // blocked signals, bit n - 1 for signal n
  // Index of the travelling descriptor that is the prefs map.
  std::optional<uint32_t> prefs_descriptor = {};
  // Of a template: index of the one that is its BirthRecord (child/birth_record.h).
  std::optional<uint32_t> births_descriptor = {};
  // Of a process that is exec'ed, and has a sandbox to engage by itself: the policies, the
  // outermost first, kMostNestedPolicies at most; and the layers without which there is no launch.
  std::span<const SandboxPolicyId> sandbox_policies = {};
  SandboxLayers sandbox_required = 0;
  // How long it waits for a debugger before its program is made (debug_pause.h); empty: it does not
  // tell where it is either.
  std::optional<uint32_t> debug_pause_seconds = {};
};

std::vector<uint8_t> EncodePlan(const Plan& plan);

// A run of `count` encoded elements inside a Plan.
struct PlanSection {
  uint32_t count = 0;
  std::span<const uint8_t> bytes;

  ByteReader reader() const { return ByteReader(bytes); }
};

struct PlanView {
  uint32_t type = 0;  // as it came: may be no type
  EnvironmentBase environment_base = EnvironmentBase::kTemplate;
  std::string_view working_directory;
  std::string_view name;
  std::string_view title;
  std::optional<int> nice;
  int parent_death_signal = 0;
  int host_pid = 0;
  uint64_t signal_mask = 0;
  std::optional<uint32_t> prefs_descriptor;
  std::optional<uint32_t> births_descriptor;
  std::array<SandboxPolicyId, kMostNestedPolicies> sandbox_policies = {};  // may be no policies
  uint32_t sandbox_policy_count = 0;
  SandboxLayers sandbox_required = 0;
  std::optional<uint32_t> debug_pause_seconds;

  PlanSection argv;               // Strings
  PlanSection set_environment;    // Strings
  PlanSection unset_environment;  // Strings
  PlanSection descriptors;        // ReadPlannedDescriptor
  PlanSection limits;             // ReadResourceLimit
};

PlannedDescriptor ReadPlannedDescriptor(ByteReader& in);
ResourceLimit ReadResourceLimit(ByteReader& in);

// kPlan EBADMSG: not a Plan. kEnvironment E2BIG: over kMaxArgumentBytes. kDescriptors E2BIG: over
// kMaxPlannedDescriptors.
StepFailure DecodePlan(std::span<const uint8_t> payload, PlanView& view);

}  // namespace forkserver

#endif  // CHILD_PLAN_H_
