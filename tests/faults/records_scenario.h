// A host that keeps flight records and writes a report of a child that crashes.
#ifndef TESTS_FAULTS_RECORDS_SCENARIO_H_
#define TESTS_FAULTS_RECORDS_SCENARIO_H_

#include "absl/time/time.h"
#include "forkserver/host/fork_server.h"
#include "tests/faults/round.h"

namespace forkserver::testing {

// For one round: the last one's reporter ends with them.
StartOptions OptionsWithRecords();

// There must be a report of it, and a stack in that, or the words why not.
void CrashAndReport(ForkServer& server, Round& round, absl::Duration patience);

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_RECORDS_SCENARIO_H_
