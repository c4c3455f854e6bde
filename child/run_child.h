// From the fork to the end of the child: receive the Plan, apply it, say Ready, run the program.
//
// The same for a forked child and for one that was exec'ed: whoever has a launch socket and a
// ProcessImage calls this. A blank child of a pool waits in it for its Plan and answers Ping.
#ifndef CHILD_RUN_CHILD_H_
#define CHILD_RUN_CHILD_H_

#include <stdint.h>

#include "child/child_arena.h"
#include "child/child_program.h"
#include "child/page_recorder.h"
#include "child/process_image.h"
#include "child/sandbox/execed_sandbox.h"
#include "child/sandbox/own_layers.h"
#include "child/sandbox/sandbox_report.h"
#include "child/telemetry/metric_table.h"
#include "child/touched_pages.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// Exit statuses of a child that did not get as far as its program.
inline constexpr int kExitNotRefreshed = 123;  // the kernel gave it no random bytes, after Ready
inline constexpr int kExitOrphaned = 124;      // the launch socket closed before the Plan came
inline constexpr int kExitFailed = 125;        // a step failed, and was reported

// A blank child has time before its Plan: for pages and layers that others have no time for.
enum class PlanArrival : uint8_t { kOnItsWay, kLater };

struct ChildStart {
  UniqueFd launch_socket;
  UniqueFd flight_record = {};  // closed: its host keeps none of it
  int64_t started_at = 0;
  const ProcessImage& image;
  const ChildPrograms& programs;
  const ChildArena& arena;
  // Of an early child of a template: where it records the pages that it touches.
  PageRecord* record = nullptr;
  // What earlier ones have touched.
  const TouchedPages* learned = nullptr;
  PlanArrival plan = PlanArrival::kOnItsWay;
  // What the template has engaged, and what each of its children adds. Null: not sandboxed.
  const SandboxReport* sandbox = nullptr;
  OwnLayers own_layers = {};
  // What its program may count; null: nothing.
  const MetricTable* metrics = nullptr;
  // Of a process that was exec'ed: to engage what its Plan names. Null in a fork.
  ExecedSandbox* execed_sandbox = nullptr;
};

// Never returns. No allocation until Ready has been sent. When it has, and before the child's
// program is made, what must not be the same in two children is made fresh: preload/refresh/. The
// frames below have another canary from then on, so that none of them may return. noexcept: the
// stack below is a copy of the host's, and an exception must end here and not in a handler of the
// host's main.
[[noreturn]] void RunChild(ChildStart start) noexcept;

}  // namespace forkserver

#endif  // CHILD_RUN_CHILD_H_
