// Whoever asks a template for children.
#ifndef FORKSERVER_HOST_FORK_REQUESTER_H_
#define FORKSERVER_HOST_FORK_REQUESTER_H_

#include <stdint.h>

#include "absl/status/status.h"
#include "child/process_types.h"
#include "forkserver/host/process.h"
#include "transceiver/messages.h"

namespace forkserver {

// Each Fork is answered once, by OnForked or OnForkFailed, or where its template has died, by
// OnTemplateDead and then OnForked or OnNoChild.
class ForkRequester {
 public:
  virtual void OnForked(uint64_t id, Process process, const ForkedMessage& forked) = 0;
  virtual void OnForkFailed(uint64_t id, const FailedMessage& failed) = 0;
  // Asked of a template that had not said Hello: it has now.
  virtual void OnTemplateServes(uint64_t /*id*/) {}
  // The template died and owed this answer. Whether there is a child is known when it has been
  // reaped. What it had of a sandbox is still there during the call.
  virtual void OnTemplateDead(uint64_t id, const absl::Status& why) = 0;
  virtual void OnNoChild(uint64_t id) = 0;

 protected:
  ~ForkRequester() = default;
};

// A Fork that is not answered.
struct AskedFork {
  ForkRequester* requester;  // borrowed; null: it has gone away
  ProcessType type;          // of the child, as far as is known
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_FORK_REQUESTER_H_
