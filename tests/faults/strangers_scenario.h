// A child that leaves a message unread, with a descriptor in it, and a host that closes that
// socket: what transceiver/close_strangers.h does in threads.
//
//     CloseWhatAChildLeft(server, round, patience);     // round: the end of each step
#ifndef TESTS_FAULTS_STRANGERS_SCENARIO_H_
#define TESTS_FAULTS_STRANGERS_SCENARIO_H_

#include "absl/time/time.h"
#include "forkserver/host/fork_server.h"
#include "tests/faults/round.h"

namespace forkserver::testing {

// Calls are seen and fail in the closing alone. What the message brought must be closed by then, or
// soon after, whatever has failed.
void CloseWhatAChildLeft(ForkServer& server, Round& round, absl::Duration patience);

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_STRANGERS_SCENARIO_H_
