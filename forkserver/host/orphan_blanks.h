// Blanks whose template died between forking them and saying so: nobody knows their pids.
//
//     // The host's end of its launch socket.
//     orphans.Add(std::move(socket), std::nullopt, link.children_kind());
//
// Hung up on, such a blank would end and stay a zombie of the host's. It is sent an empty Plan
// instead, which it refuses with a Failed that carries its pid, and is reaped by that. A socket
// whose far end nobody holds is of a blank that was never forked.
//
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_ORPHAN_BLANKS_H_
#define FORKSERVER_HOST_ORPHAN_BLANKS_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>

#include "absl/container/flat_hash_map.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/sandbox_chain.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class OrphanBlanks {
 public:
  OrphanBlanks(EventLoop& loop, Reaper& reaper) : loop_(loop), reaper_(reaper) {}
  OrphanBlanks(const OrphanBlanks&) = delete;
  OrphanBlanks& operator=(const OrphanBlanks&) = delete;
  ~OrphanBlanks();

  // `membership`: of its template; nothing where that is not sandboxed. `kind`: of its
  // children.
  void Add(UniqueFd socket, std::optional<SandboxMembership> membership, ChildKind kind);

  // Those that have not spoken yet.
  size_t pending() const { return waiting_.size(); }

 private:
  struct Waiting {
    UniqueFd socket;
    EventLoop::WatchId watch;
    std::optional<SandboxMembership> membership;
    ChildKind kind;
  };

  void OnAnswer(uint64_t id);

  EventLoop& loop_;
  Reaper& reaper_;
  uint64_t next_id_ = 1;
  absl::flat_hash_map<uint64_t, Waiting> waiting_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_ORPHAN_BLANKS_H_
