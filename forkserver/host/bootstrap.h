// The first statement of main, in each of the processes that this program can be: what Start does
// before there is a ForkServer.
#ifndef FORKSERVER_HOST_BOOTSTRAP_H_
#define FORKSERVER_HOST_BOOTSTRAP_H_

#include <stdint.h>
#include <sys/types.h>

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "child/telemetry/metric_table.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/process.h"
#include "forkserver/server/template_program.h"
#include "preload/refresh/refresh_hooks.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// Signals that a terminal sends to the whole foreground group, as bits of a Plan's signal_mask.
// Templates block them: whether Ctrl-C ends the program is for the host to decide, and a template
// that died of it first would leave the host without launches for its last words.
uint64_t TerminalSignals();

// The caller's blocked signals, as bits of a Plan's signal_mask.
uint64_t CurrentSignalMask();

// Opens /dev/null at each of 0, 1 and 2 that is closed: otherwise the first sockets of the fork
// server would get those numbers, in the host and in every template. Fails as open(2) does.
absl::Status OpenClosedStdio();

// Looks at the process before anything has changed it, and adds the template's own program to
// `programs`, all of which run the hooks before they are made. InvalidArgument: a row of a type
// that is not the embedder's to fill; a program, warm-up or hook without its function; metrics that
// cannot be (MetricTable::Make).
absl::StatusOr<std::unique_ptr<TemplateMakings>> MakeTemplateMakings(
    int argc, char** argv, std::vector<ChildProgramRow> programs,
    std::vector<TemplateMaking> templates, std::vector<RefreshHook> refresh_hooks,
    std::vector<MetricRow> metrics = {});

// In a process that SpawnSelf started: does not return. `flight_record`: a descriptor, which
// becomes its own, or kNobodyKeepsRecords or kHasNoRecord. InvalidArgument where `launch_socket` is
// no such socket, because a user typed the argument.
absl::Status RunExecedProcess(TemplateMakings& makings, int launch_socket, int flight_record);

struct Seed {
  Process process;
  UniqueFd socket;                 // the host's end
  Mapping births;                  // its BirthRecord
  std::shared_ptr<Flight> flight;  // null: nobody keeps records
};

// Forks the seed. The calling process must be single-threaded. Does not return in the seed.
absl::StatusOr<Seed> ForkSeed(const TemplateMakings& makings, FlightRecorder& recorder);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BOOTSTRAP_H_
