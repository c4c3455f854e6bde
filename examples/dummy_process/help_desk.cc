#include "examples/dummy_process/help_desk.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"

namespace dummy_process {

using forkserver::ChildId;
using forkserver::ParentProcess;
using forkserver::ProcessEnd;
using forkserver::ProcessHandle;
using forkserver::ProcessHostCore;

HelpDesk::HelpDesk(ParentProcess& parent, DummyHost::EndCallback on_end)
    : parent_(parent), on_end_(std::move(on_end)) {}

void HelpDesk::GetAssistance(const ProcessHostCore& caller, Callback callback) {
  // By its id: the caller may end while the dummy process is launched.
  Connect(
      [this, id = caller.id()](const DummyHost& dummy) -> absl::StatusOr<Ends> {
        const ProcessHostCore* const caller = parent_.Find(id);
        if (caller == nullptr) return absl::FailedPreconditionError("the caller is gone");
        return parent_.CreateEndpoints<Hotline>(*caller, dummy);
      },
      std::move(callback));
}

void HelpDesk::GetAssistanceForParent(Callback callback) {
  Connect([this](const DummyHost& dummy) { return parent_.CreateEndpointsWith<Hotline>(dummy); },
          std::move(callback));
}

void HelpDesk::Connect(MakeEnds make_ends, Callback callback) {
  if (dummies_.size() >= kMostAtOnce) {
    return callback(absl::ResourceExhaustedError("all dummy processes are busy"));
  }
  DummyHost& dummy = dummies_.emplace_back(
      parent_, [this](const DummyHost& dummy, const ProcessEnd& end) { OnEnd(dummy, end); });
  dummy.WhenLaunched([&dummy, make_ends = std::move(make_ends), callback = std::move(callback)](
                         const absl::StatusOr<ProcessHandle>& process) {
    if (!process.ok()) return callback(process.status());
    absl::StatusOr<Ends> ends = make_ends(dummy);
    absl::Status answered = ends.status();
    if (ends.ok()) answered = dummy.Send(AnswerHotline{.end = std::move(ends->child)});
    if (answered.ok()) return callback(std::move(ends->parent));
    dummy.ShutDown();
    callback(answered);
  });
  dummy.Launch({});
}

void HelpDesk::OnEnd(const DummyHost& dummy, const ProcessEnd& end) {
  if (on_end_) on_end_(dummy, end);
  dummies_.remove_if([&dummy](const DummyHost& one) { return &one == &dummy; });
}

}  // namespace dummy_process
