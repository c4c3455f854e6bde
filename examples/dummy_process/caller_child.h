// A content process that asks for assistance when it is told to: it gets a hotline from the parent,
// and its answer from the dummy process at the other end.
#ifndef EXAMPLES_DUMMY_PROCESS_CALLER_CHILD_H_
#define EXAMPLES_DUMMY_PROCESS_CALLER_CHILD_H_

#include <optional>

#include "absl/status/status.h"
#include "child/process/child_process.h"
#include "examples/dummy_process/caller_protocol.h"
#include "examples/dummy_process/hotline_caller.h"
#include "transceiver/actor/resolver.h"

namespace dummy_process {

class CallerChild : public forkserver::ChildProcess<CallerChild, CallerProtocol> {
 public:
  using ChildProcess::ChildProcess;
  using ChildProcess::Receive;
  absl::Status Receive(BeAssisted& message, forkserver::Resolver<Assistance> resolver);

  // What the parent says of browsers and nested processes: this one has no use for it.
  absl::Status Receive(forkserver::BrowserOpened&) { return absl::OkStatus(); }
  absl::Status Receive(forkserver::BrowserClosed&,
                       forkserver::Resolver<forkserver::Done> resolver) {
    return resolver.Resolve({});
  }
  absl::Status Receive(forkserver::AttachBridge&) { return absl::OkStatus(); }
  absl::Status Receive(forkserver::BridgeClosed&, forkserver::Resolver<forkserver::Done> resolver) {
    return resolver.Resolve({});
  }

 private:
  std::optional<HotlineCaller> line_;  // the last one
};

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_CALLER_CHILD_H_
