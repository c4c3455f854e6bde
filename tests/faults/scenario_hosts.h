// The hosts of the scenarios: what they start. Each template that they have below the root says at
// its warm-up which role it plays for the seam.
#ifndef TESTS_FAULTS_SCENARIO_HOSTS_H_
#define TESTS_FAULTS_SCENARIO_HOSTS_H_

#include "forkserver/host/fork_server.h"

namespace forkserver::testing {

// The root alone, over epoll.
StartOptions Options();
StartOptions OptionsOverIoUring();
StartOptions OptionsWithOwnThread();
StartOptions OptionsOfTwoLayouts();
// Of a host that may not write files of more than a kilobyte: its records of births are none, and
// the freeze raises the limit for itself. Limits the calling process.
StartOptions OptionsOfSmallFiles();

// "nested", which content comes from.
StartOptions OptionsWithTemplate();
StartOptions OptionsWithEviction();
// "sandboxed", which content comes from, with the policy of files and with that of graphics, whose
// children connect to a display server. Their files are those of the folder (scenario_folder.h).
StartOptions OptionsWithSandbox();
StartOptions OptionsWithServices();
// "nested", and "sandboxed" for utility.
StartOptions OptionsWithTemplates();
// The process model's own (model_scenario.h).
StartOptions OptionsOfTheModel();

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_SCENARIO_HOSTS_H_
