// The steps that scenarios are made of: a launch and its end, a wait for a template or a blank, a
// signal to a template. What comes of those that may fail is noted in the round.
#ifndef TESTS_FAULTS_SCENARIO_STEPS_H_
#define TESTS_FAULTS_SCENARIO_STEPS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/host/fork_server.h"
#include "preload/prefs/prefs_store.h"
#include "tests/faults/round.h"

namespace forkserver::testing {

// Long for a machine that is busy, and short enough that a lost wake-up is seen.
inline constexpr absl::Duration kPatience = absl::Seconds(8);

LaunchOptions Launching(ProcessType type, std::vector<std::string> argv);

// Its Status; a child that came is waited for until it has ended, which it does as it was asked to.
absl::Status EndOf(const LaunchOptions& options, absl::StatusOr<LaunchedChild> child);
void LaunchAndEnd(ForkServer& server, Round& round, const char* what, const LaunchOptions& options);
// The same of a child that reports, which must be as it was asked for.
void LaunchAndCompare(ForkServer& server, Round& round, const char* what,
                      const LaunchOptions& options, const PrefsGeneration& prefs);

bool WaitUntilServing(ForkServer& server, Round& round, std::string_view name = kRootTemplate);
// Not a failure where it does not come: pools are refilled later.
void WaitForBlank(ForkServer& server, std::string_view name);
bool HasProcess(const ForkServer& server, std::string_view name);

void SignalTemplate(ForkServer& server, std::string_view name, int signal);
void KillTemplate(ForkServer& server, std::string_view name);

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_SCENARIO_STEPS_H_
