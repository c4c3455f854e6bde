// Applies a Plan to the calling process: the ordered steps between the fork and Ready.
//
// In this order: process type, parent-death signal, signal mask, prefs, the child's own layers of
// the sandbox (but for a template, whose children add theirs, and which maps what it tells the host
// of their births by), descriptors and stdio,
// working directory, environment, name, title, priority, limits. Death of the host is watched
// before anything takes time; the prefs are mapped, and the Landlock ruleset is used, before their
// descriptors are closed with the others; limits come last, since they would bind the steps before
// them. An exec'ed process engages its sandbox at the end of the descriptors, after what its
// program's row has it do before (ChildProgramRow::before_sandbox).
//
// No allocation, no locks, no exceptions, but for that. The first step that fails ends it; a
// process to which half a Plan was applied reports and exits.
#ifndef CHILD_APPLY_PLAN_H_
#define CHILD_APPLY_PLAN_H_

#include <span>

#include "child/birth_record.h"
#include "child/child_arena.h"
#include "child/child_program.h"
#include "child/debug_pause.h"
#include "child/flight/flight_record.h"
#include "child/launch_step.h"
#include "child/plan.h"
#include "child/process_image.h"
#include "child/ready.h"
#include "child/sandbox/execed_sandbox.h"
#include "child/sandbox/own_layers.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/packet.h"

namespace forkserver {

// The child has not added its own layers yet.
inline constexpr int kNotAdded = -1;

// What the steps work on, and what they leave behind.
struct ChildUnderConstruction {
  const ProcessImage& image;
  const ChildArena& arena;
  const ChildPrograms& programs;
  UniqueFd& launch_socket;
  DescriptorList& received;
  // What the child of a sandboxed template adds to what it has inherited; and what came of it where
  // that is done, an errno or 0.
  OwnLayers own_layers;
  int own_layers_error;
  // Of a process that was exec'ed; null in a fork.
  ExecedSandbox* execed_sandbox;
  // Bytes of the arena's plan buffer that hold the Plan.
  size_t plan_bytes;
  // Told of each step as it begins; null: there is none.
  FlightRecord* flight_record = nullptr;

  // Set by the steps.
  const ChildProgramEntry* program = nullptr;
  PrefsMap prefs = {};
  std::span<char*> argv = {};
  BirthRecord* births = nullptr;  // of a template; stays mapped
  char** environment = nullptr;   // to become environ; null: that stays as it is
  DebugPause debug_pause = {};
  ReadyMessage ready = {};
};

StepFailure ApplyPlan(const PlanView& plan, ChildUnderConstruction& child);

}  // namespace forkserver

#endif  // CHILD_APPLY_PLAN_H_
