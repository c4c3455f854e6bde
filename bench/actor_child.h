// The other ends of the actors' rows and of their baselines, in a child.
#ifndef BENCH_ACTOR_CHILD_H_
#define BENCH_ACTOR_CHILD_H_

#include "transceiver/unique_fd.h"

namespace bench {

// Binds the endpoint that comes over the launch socket, and answers until the host closes.
int RunActorChild(forkserver::UniqueFd launch_socket);

// Receives packets until the host hangs up; one of a single byte it sends back.
int RunRawSink(int socket);

}  // namespace bench

#endif  // BENCH_ACTOR_CHILD_H_
