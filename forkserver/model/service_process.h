// The one process of a type that a program has for as long as it runs: gpu, socket, data-decoder,
// vr, media.
//
//     const auto make = [](ParentProcess& parent) { return std::make_unique<GpuHost>(parent); };
//     ServiceProcess<GpuHost> gpu(*parent, ProcessType::kGpu, make,
//                                 {.fallback_program = MakeChildProgram<GpuChild>});
//     absl::StatusOr<GpuHost*> host = gpu.Need();        // whoever needs it, whenever
//     if (host.ok()) (*host)->Call(Composite{...}, ...);
//
// Its type's row (child/process_types.h) decides. `start`: at once, with this object, or on demand,
// by the first who needs it; later ones share it. `fallback`: what takes its place once it has
// ended too often.
//
// An end that was not asked for, or a launch that failed, is not mended by itself: the next who
// needs it has it launched again. After kMostEnds of those it is given up. Then gpu's compositing
// thread does the work, in the parent: the program that the process would have run, on a thread
// (program_thread.h), with the other end of the same host. So callers go on as before, and can ask
// the host's process() where it runs. Where the row has no fallback, Need is an error that names
// the type and the last end: "socket: gave up after 3 ends: killed by SIGSEGV".
//
// What Need gives takes messages at once: they go with the launch, or wait until the one before it
// has ended, since there is never more than one. Endpoints want a process that runs: that is the
// host's WhenLaunched. The host is good until it ends, and who holds a call or an endpoint hears of
// that as of any host's: by an Unavailable answer, by ActorDestroy. Then Need gives another one.
//
// Ownership: owns the hosts; borrows the parent, which outlives it. It may be destroyed in any
// callback of a host's, and in its own; a Need that it happens in is Unavailable. Destroying it
// kills the process, or closes the thread's
// port and waits for the thread. Nothing else waits. Threads: that of the parent's loop. After a
// fork: not usable in the child.
#ifndef FORKSERVER_MODEL_SERVICE_PROCESS_H_
#define FORKSERVER_MODEL_SERVICE_PROCESS_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "forkserver/model/service_process_core.h"

namespace forkserver {

template <typename Host>
class ServiceProcess : public ServiceProcessCore {
 public:
  using Factory = std::function<std::unique_ptr<Host>(ParentProcess& parent)>;

  // `make`: a host of that type that has not been launched.
  ServiceProcess(ParentProcess& parent, ProcessType type, Factory make, ServiceOptions options = {})
      : ServiceProcessCore(parent, type, std::move(make), std::move(options)) {}
  // While this is whole: who hears of it may need it again, and is told that there is no more.
  ~ServiceProcess() { Close(); }

  // Never null. Unavailable: it was given up, or could not even be begun.
  absl::StatusOr<Host*> Need() {
    const absl::StatusOr<ProcessHostCore*> host = NeedHost();
    if (!host.ok()) return host.status();
    return static_cast<Host*>(*host);
  }
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_SERVICE_PROCESS_H_
