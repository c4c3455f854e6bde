// Which process serves a remote type: one that there is, or a new one.
//
//     ProcessChoice choice = SelectProcess({.type = selection.type,
//                                           .limit = prefs.LimitOf(selection.type.kind)},
//                                          live);
//     if (choice.action == ProcessAction::kReuse) use(live[choice.index]);
//
// In this order:
//   1. The process of that type that already serves the browsing context group: documents that can
//      reach each other by script and have one type are in one process.
//   2. One that has no browsers left.
//   3. Below the limit, a new one.
//   4. At the limit, the one with the fewest browsers; of equals the first.
//
// Whether the new one is a preallocated process that becomes it, the launch decides, by taking a
// blank out of the template's pool or finding none: only then is it known in which layout's pool to
// look, which blanks have died and which have just been forked. What it was is in
// ProcessHandle::by. `file` and `extension` never come of blanks: their templates have no pool.
//
// The key is the whole type: the same site with other attributes is another type. Pure, any thread.
#ifndef FORKSERVER_MODEL_SELECT_PROCESS_H_
#define FORKSERVER_MODEL_SELECT_PROCESS_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <span>

#include "forkserver/model/remote_type.h"

namespace forkserver {

// A process that can still be given work. One that is launching counts; one that is dying, or whose
// channel is closed, is not to be in the list.
struct LiveProcess {
  RemoteType type = {};
  int32_t browsers = 0;  // tabs, frames and workers that it serves
};

struct ProcessRequest {
  RemoteType type = {};
  int32_t limit = 1;
  // The index in `live` of the process that the browsing context group has for this type. One that
  // is not of this type is ignored.
  std::optional<size_t> of_group = {};
};

enum class ProcessAction : uint8_t { kReuse, kLaunch };

struct ProcessChoice {
  ProcessAction action = ProcessAction::kLaunch;
  size_t index = 0;  // in `live`, for kReuse

  friend bool operator==(const ProcessChoice&, const ProcessChoice&) = default;
};

// `live` may have processes of all types. Aborts for the parent's type and for a blank's: who asks
// for those has a bug, and would get web content where none may be.
ProcessChoice SelectProcess(const ProcessRequest& request, std::span<const LiveProcess> live);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_SELECT_PROCESS_H_
