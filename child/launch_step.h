// The steps of a launch, in the order in which they are done, and how one fails.
//
// A failure crosses the wire as numbers, {step, errno, index}: between fork and Ready nobody
// makes sentences. The host makes them: "descriptor 3: EBADF".
#ifndef CHILD_LAUNCH_STEP_H_
#define CHILD_LAUNCH_STEP_H_

#include <stddef.h>
#include <stdint.h>

#include <string_view>

namespace forkserver {

// The numbers are on the wire: never reuse one.
enum class LaunchStep : uint16_t {
  kNone = 0,
  kRequest = 1,       // a message that is malformed, unknown or of the wrong direction
  kSpawn = 2,         // exec of the program, for a launch without a template
  kSingleThread = 3,  // a template found another thread beside its own
  kFork = 4,          // clone3
  kPlan = 5,          // a Plan that cannot be read
  kProcessType = 6,   // no such type, or this program has no ChildProgram for it
  kParentDeath = 7,   // parent-death signal
  kSignals = 8,       // signal mask
  kPrefs = 9,         // the prefs map; EBADMSG: it is corrupt
  kSandbox = 10,      // index: which SandboxLayer; kOwnFilter: one of a child's own layers
  kDescriptors = 11,  // index: which entry of the Plan's list, or kOtherDescriptors
  kStdio = 12,        // index: 0, 1 or 2, which the Plan does not name
  kWorkingDirectory = 13,
  kEnvironment =
      14,  // index: which variable of its list; E2BIG: arguments and environment together
  kName = 15,
  kTitle = 16,
  kPriority = 17,
  kLimits = 18,  // index: which limit of the Plan's list
  kReady = 19,   // sending Ready

  kCount = 20,
};

inline constexpr size_t kLaunchStepCount = static_cast<size_t>(LaunchStep::kCount);

// The index of closing all descriptors that a Plan does not name.
inline constexpr uint32_t kOtherDescriptors = UINT32_MAX;

// "descriptors", "working directory"; "unknown step" for a number that is none.
std::string_view LaunchStepName(LaunchStep step);

struct StepFailure {
  LaunchStep step = LaunchStep::kNone;  // kNone: no failure
  int error = 0;
  uint32_t index = 0;

  bool failed() const { return step != LaunchStep::kNone; }
};

}  // namespace forkserver

#endif  // CHILD_LAUNCH_STEP_H_
