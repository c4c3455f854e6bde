// What every child process does between its first instruction as a program and its first message,
// in this order; what was done is undone in reverse at its end.
#ifndef CHILD_PROCESS_START_STEP_H_
#define CHILD_PROCESS_START_STEP_H_

#include <stdint.h>

#include <string_view>

namespace forkserver {

enum class StartStep : uint8_t {
  kArguments,   // parse them: build id, parent's pid
  kSandbox,     // engage it; where the template has, see that it is the one that was asked for
  kPrefs,       // attach the launch's generation
  kThreads,     // start those that the program wants
  kPort,        // the launch socket becomes the top-level actor
  kComponents,  // initialise those that this type may use
  kInit,        // the program's own
};
constexpr StartStep LastValue(StartStep) { return StartStep::kInit; }

constexpr std::string_view StartStepName(StartStep step) {
  switch (step) {
    case StartStep::kArguments:
      return "arguments";
    case StartStep::kSandbox:
      return "sandbox";
    case StartStep::kPrefs:
      return "prefs";
    case StartStep::kThreads:
      return "threads";
    case StartStep::kPort:
      return "initial port";
    case StartStep::kComponents:
      return "components";
    case StartStep::kInit:
      return "init";
  }
  return "unknown step";
}

}  // namespace forkserver

#endif  // CHILD_PROCESS_START_STEP_H_
