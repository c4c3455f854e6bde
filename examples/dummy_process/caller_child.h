// A content process that asks for assistance when it is told to: it gets a hotline from the parent,
// and its answer from the dummy process at the other end.
#ifndef EXAMPLES_DUMMY_PROCESS_CALLER_CHILD_H_
#define EXAMPLES_DUMMY_PROCESS_CALLER_CHILD_H_

#include <optional>

#include "absl/status/status.h"
#include "child/process/content_child.h"
#include "examples/dummy_process/caller_protocol.h"
#include "examples/dummy_process/hotline_caller.h"
#include "transceiver/actor/resolver.h"

namespace dummy_process {

class CallerChild : public forkserver::ContentChild<CallerChild, CallerProtocol> {
 public:
  using ContentChild::ContentChild;
  using ContentChild::Receive;
  absl::Status Receive(BeAssisted& message, forkserver::Resolver<Assistance> resolver);

 private:
  std::optional<HotlineCaller> line_;  // the last one
};

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_CALLER_CHILD_H_
