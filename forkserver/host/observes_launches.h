// Whether this build can tell a LaunchObserver anything. It is false with
// --//forkserver/host:observes_launches=false only, which is there to measure what the hooks cost
// where nobody observes (tools/bench, trace_off): then they are not in the program at all.
#ifndef FORKSERVER_HOST_OBSERVES_LAUNCHES_H_
#define FORKSERVER_HOST_OBSERVES_LAUNCHES_H_

namespace forkserver {

#ifdef FORKSERVER_OBSERVES_NO_LAUNCHES
inline constexpr bool kObservesLaunches = false;
#else
inline constexpr bool kObservesLaunches = true;
#endif

}  // namespace forkserver

#endif  // FORKSERVER_HOST_OBSERVES_LAUNCHES_H_
