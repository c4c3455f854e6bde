// What a template that is dead, or being killed, leaves to its host: Forks that it has not
// answered, answers that nobody has read, and perhaps a child that it has told nobody of.
//
//     auto remains = std::make_shared<TemplateRemains>(...);
//     remains->ProcessIs(process);
//     reaper.KillAndReap(std::move(process), [remains, &reaper](const auto&) {
//       remains->Settle(reaper);
//     });
//
// Until it is dead it may still make children. Then each of them is told of by a Forked in
// its socket, but for the last one, which its BirthRecord has: so none is lost, whether it lives,
// has been killed too, or never said anything.
//
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_TEMPLATE_REMAINS_H_
#define FORKSERVER_HOST_TEMPLATE_REMAINS_H_

#include <stdint.h>

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "forkserver/host/births.h"
#include "forkserver/host/fork_requester.h"
#include "forkserver/host/process.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/template_children.h"
#include "transceiver/close_strangers.h"
#include "transceiver/mapping.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class TemplateRemains {
 public:
  struct Parts {
    absl::flat_hash_map<uint64_t, AskedFork> owed = {};
    UniqueFd socket = {};  // the host's end; may be closed
    // What can lie there unread: an answer to each request, and what it says of its start.
    // Of one that sends more, the rest is closed unread.
    size_t most_unread = 0;
    Mapping births = {};  // its BirthRecord; may be none
    // Keep the places for the pidfds of what it owes, so that they are there at the host's limit.
    std::vector<UniqueFd> slots = {};
    TemplateChildren children = {};
    // Nobody is given the child of a template whose Hello was refused, or never came.
    bool has_said_hello = false;
  };

  explicit TemplateRemains(Parts parts) : parts_(std::move(parts)) {}
  TemplateRemains(const TemplateRemains&) = delete;
  TemplateRemains& operator=(const TemplateRemains&) = delete;
  ~TemplateRemains() { CloseStrangersSocket(std::move(parts_.socket)); }

  // Once it is known. One that never is, turns out never to have been.
  void ProcessIs(const Process& process) { parts_.children.Know(process); }
  // A requester that is going away: what was made for it is killed and reaped.
  void Disown(const ForkRequester& requester);

  // Once, when the template has been reaped, or cannot be and makes no more children (Reaper), or
  // never was: tells each requester that is left
  // OnForked or OnNoChild, and ends what nobody wants.
  void Settle(Reaper& reaper);

 private:
  void TakeLostInit(pid_t init);
  void TakeUnread(Reaper& reaper);
  void Deliver(uint64_t id, Process child, const ForkedMessage& forked, Reaper& reaper);

  Parts parts_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_TEMPLATE_REMAINS_H_
