// How many blank content processes wait, kept as prefs and machine say.
//
//     Preallocation preallocation(parent, *ReadTotalMemory());    // total_memory.h
//     preallocation.Apply();          // and again by itself at every change of prefs
//
// The blanks are those of the content template's pool (forkserver/host/blank_pool.h): forked ahead,
// in their sandbox, and specialised by the Plan of whoever takes one. They are never used for a
// load before, nor for `file` and `extension`, whose templates have none. The pool ends them under
// memory pressure, and does not refill while launches are under way that somebody waits for.
//
// Threads: that of the parent's loop.
#ifndef FORKSERVER_MODEL_PREALLOCATION_H_
#define FORKSERVER_MODEL_PREALLOCATION_H_

#include <stdint.h>

#include "absl/status/status.h"
#include "forkserver/model/model_prefs.h"
#include "forkserver/model/parent_process.h"

namespace forkserver {

class Preallocation {
 public:
  // `memory_bytes`: the machine's (prelaunch_count.h).
  Preallocation(ParentProcess& parent, uint64_t memory_bytes);
  Preallocation(const Preallocation&) = delete;
  Preallocation& operator=(const Preallocation&) = delete;
  ~Preallocation() { parent_.UnobservePrefs(observer_); }

  // Sets the pools to what count() says, and to none where every launch is an exec, which takes no
  // blank. Fails as ForkServer::SetPool does.
  absl::Status Apply();

  int count() const;

 private:
  ParentProcess& parent_;
  const uint64_t memory_bytes_;
  ParentProcess::ObserverId observer_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_PREALLOCATION_H_
