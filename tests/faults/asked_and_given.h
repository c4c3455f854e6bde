// Whether a child that is Ready is what was asked for: what a launch says by its Status it has not
// shown.
//
//     absl::StatusOr<LaunchedChild> child = server.Launch(options);     // of {"report"}
//     if (child.ok()) wrong = DifferenceTo(options, prefs, true, *child);
//
// It compares everything that LaunchOptions has words for: arguments, environment, descriptors,
// working directory, name, title, limits, priority, the parent's death signal, the signal mask,
// prefs, and the first packet, which the child sends back.
#ifndef TESTS_FAULTS_ASKED_AND_GIVEN_H_
#define TESTS_FAULTS_ASKED_AND_GIVEN_H_

#include <string>

#include "forkserver/host/launch_options.h"
#include "preload/prefs/prefs_store.h"

namespace forkserver::testing {

// Empty, or how it differs. Of options with one first packet, of no Stdio that is inherited where
// this process has another one than at its start, and of limits of core and nofile. Waits for the
// child's report, past the seam: no fault happens in it. `knows_its_id`: whether the C library of a
// child knows its thread's id (kKeepsThreadIds).
std::string DifferenceTo(const LaunchOptions& asked, const PrefsGeneration& prefs,
                         bool knows_its_id, const LaunchedChild& given);

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_ASKED_AND_GIVEN_H_
