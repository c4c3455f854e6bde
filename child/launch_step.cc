#include "child/launch_step.h"

namespace forkserver {

std::string_view LaunchStepName(LaunchStep step) {
  switch (step) {
    case LaunchStep::kNone:
      return "no step";
    case LaunchStep::kRequest:
      return "request";
    case LaunchStep::kSpawn:
      return "spawn";
    case LaunchStep::kSingleThread:
      return "single-thread check";
    case LaunchStep::kFork:
      return "fork";
    case LaunchStep::kPlan:
      return "plan";
    case LaunchStep::kProcessType:
      return "process type";
    case LaunchStep::kParentDeath:
      return "parent-death signal";
    case LaunchStep::kSignals:
      return "signal mask";
    case LaunchStep::kPrefs:
      return "prefs";
    case LaunchStep::kDescriptors:
      return "descriptors";
    case LaunchStep::kStdio:
      return "stdio";
    case LaunchStep::kWorkingDirectory:
      return "working directory";
    case LaunchStep::kEnvironment:
      return "environment";
    case LaunchStep::kName:
      return "name";
    case LaunchStep::kTitle:
      return "title";
    case LaunchStep::kPriority:
      return "priority";
    case LaunchStep::kLimits:
      return "limits";
    case LaunchStep::kReady:
      return "ready";
    case LaunchStep::kSandbox:
      return "sandbox";
    case LaunchStep::kCount:
      break;
  }
  return "unknown step";
}

}  // namespace forkserver
