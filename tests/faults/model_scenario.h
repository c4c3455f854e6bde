// A page is opened by the process model: a launch with all that its hosts and children add to one.
#ifndef TESTS_FAULTS_MODEL_SCENARIO_H_
#define TESTS_FAULTS_MODEL_SCENARIO_H_

#include "absl/time/time.h"
#include "child/child_program.h"
#include "forkserver/host/fork_server.h"
#include "tests/faults/round.h"

namespace forkserver::testing {

// The program of its content processes.
ChildProgramFactory PageProgram();

// Opens a page, asks it for its address, closes it and waits for its process's end; each step is
// noted.
void OpenAPage(ForkServer& server, Round& round, absl::Duration patience);

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_MODEL_SCENARIO_H_
