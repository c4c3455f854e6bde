// The parent's side of one dummy process.
//
//     DummyHost dummy(parent, [](const DummyHost& dummy, const ProcessEnd& end) { ... });
//     dummy.Launch({});
//     dummy.WhenLaunched([&](const absl::StatusOr<ProcessHandle>& process) {
//       dummy.Send(AnswerHotline{...});
//     });
//
// It is launched with the policy of its type's row, and does not start without it. Ownership and
// threads are those of forkserver::ProcessHost; the callback may destroy it.
#ifndef EXAMPLES_DUMMY_PROCESS_DUMMY_HOST_H_
#define EXAMPLES_DUMMY_PROCESS_DUMMY_HOST_H_

#include <functional>
#include <utility>

#include "examples/dummy_process/dummy_protocol.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_host.h"

namespace dummy_process {

class DummyHost : public forkserver::ProcessHost<DummyHost, DummyProtocol> {
 public:
  using EndCallback =
      std::function<void(const DummyHost& dummy, const forkserver::ProcessEnd& end)>;

  DummyHost(forkserver::ParentProcess& parent, EndCallback on_end)
      : ProcessHost(parent, forkserver::ProcessType::kDummy), on_end_(std::move(on_end)) {}

 private:
  void OnEnd(const forkserver::ProcessEnd& end) override {
    // A copy, since the callback may destroy this.
    const EndCallback on_end = on_end_;
    on_end(*this, end);
  }

  const EndCallback on_end_;
};

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_DUMMY_HOST_H_
