// Which process serves a remote type: one that there is, a blank one that becomes it, or a new one.
//
//     ProcessChoice choice = SelectProcess({.type = selection.type,
//                                           .limit = prefs.LimitOf(selection.type.kind),
//                                           .blanks = Blanks::kWaiting},
//                                          live);
//     if (choice.action == ProcessAction::kReuse) use(live[choice.index]);
//
// In this order:
//   1. The process of that type that already serves the browsing context group: documents that can
//      reach each other by script and have one type are in one process.
//   2. One that has no browsers left.
//   3. Below the limit, a blank one, if there is one and the kind may come of it (not file and
//      extension: they are made by templates of their own); else a new one.
//   4. At the limit, the one with the fewest browsers; of equals the first.
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

enum class Blanks : uint8_t { kNone, kWaiting };

struct ProcessRequest {
  RemoteType type = {};
  int32_t limit = 1;
  Blanks blanks = Blanks::kNone;
  // The index in `live` of the process that the browsing context group has for this type. One that
  // is not of this type is ignored.
  std::optional<size_t> of_group = {};
};

enum class ProcessAction : uint8_t { kReuse, kSpecialise, kLaunch };

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
