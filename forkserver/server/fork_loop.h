// The program of every template: receive, clone3, send.
//
//     receive Fork + a launch socket  ->  clone3  ->  send Forked + the pidfd
//
// The loop serves one launch socket, single-threaded, until its peer is gone or says Shutdown.
// It never reads a Plan: nothing that belongs to one child is ever in the memory that the next
// one inherits, but for which pages its early children touched on their way to Ready
// (page_learner.h). It does not allocate, log or wait for anything but its socket.
//
// What it receives and sends is beside its BirthRecord, in a mapping that children do not get
// (MADV_DONTFORK): they neither see it nor pay for the pages that it writes.
//
// Malformed, unknown and misdirected messages are answered with Failed and change nothing; a
// clone3 that fails (EAGAIN, ENOMEM) likewise. An answer that cannot be sent ends the loop.
#ifndef FORKSERVER_SERVER_FORK_LOOP_H_
#define FORKSERVER_SERVER_FORK_LOOP_H_

#include <string_view>

#include "child/birth_record.h"
#include "child/child_arena.h"
#include "child/child_program.h"
#include "child/process_image.h"
#include "child/sandbox/own_layers.h"
#include "child/sandbox/sandbox_report.h"
#include "child/telemetry/metric_table.h"
#include "forkserver/server/clone_process.h"
#include "transceiver/mapping.h"

namespace forkserver {

enum class Learning : uint8_t { kOff, kOn };

struct ForkLoop {
  int socket;  // borrowed
  // Shared with the host; null: there is none. Borrowed.
  BirthRecord* births = nullptr;
  const ProcessCloner& cloner;
  const ProcessImage& image;
  const ChildPrograms& programs;
  // What this template has engaged, and what each of its children adds.
  const SandboxReport& sandbox;
  OwnLayers own_layers;
  // Whether early children can record the pages that they touch: not where a filter lets nobody
  // open /proc/self/pagemap.
  Learning learning;
  // What its children may count; null: nothing. Borrowed.
  const MetricTable* metrics = nullptr;

  // Made by Map.
  ChildArena arena = {};
  Mapping memory = {};  // where there is no BirthRecord

  // Maps what the loop and its children need. Returns 0, or an errno and what failed. Before the
  // Hello: whoever has said that it serves can refuse nothing any more.
  int Map(std::string_view& call);

  // After Map. Returns the template's exit status: 0 for Shutdown and for a host that is gone,
  // another one where the host could not be heard or answered. Children that it forks do not
  // return.
  int Run() const;
};

}  // namespace forkserver

#endif  // FORKSERVER_SERVER_FORK_LOOP_H_
