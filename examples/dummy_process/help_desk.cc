#include "examples/dummy_process/help_desk.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace dummy_process {

using forkserver::ChildId;
using forkserver::ParentProcess;
using forkserver::ProcessEnd;
using forkserver::ProcessHandle;
using forkserver::ProcessHostCore;

HelpDesk::HelpDesk(ParentProcess& parent, DummyHost::EndCallback on_end)
    : parent_(parent), on_end_(std::move(on_end)) {}

void HelpDesk::GetAssistance(const ProcessHostCore& caller, Callback callback) {
  if (absl::Status may = CheckMayHaveOneMore(caller); !may.ok()) return callback(may);
  // By its id: the caller may end while the dummy process is launched.
  Connect(
      caller.id(),
      [this, id = caller.id()](const DummyHost& dummy) -> absl::StatusOr<Ends> {
        const ProcessHostCore* const caller = parent_.Find(id);
        if (caller == nullptr) return absl::FailedPreconditionError("the caller is gone");
        return parent_.CreateEndpoints<Hotline>(*caller, dummy);
      },
      std::move(callback));
}

void HelpDesk::GetAssistanceForParent(Callback callback) {
  Connect(
      0, [this](const DummyHost& dummy) { return parent_.CreateEndpointsWith<Hotline>(dummy); },
      std::move(callback));
}

absl::Status HelpDesk::CheckMayHaveOneMore(const ProcessHostCore& caller) const {
  size_t of_it = 0;
  size_t of_children = 0;
  for (const Line& line : lines_) {
    if (line.caller == 0) continue;
    ++of_children;
    if (line.caller == caller.id()) ++of_it;
  }
  if (of_it >= kMostOfOneChild) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s has %d dummy processes already", caller.Name(), of_it));
  }
  if (of_children >= kMostAtOnce) {
    return absl::ResourceExhaustedError("all dummy processes are busy");
  }
  return absl::OkStatus();
}

void HelpDesk::Connect(ChildId caller, MakeEnds make_ends, Callback callback) {
  auto on_end = [this](const DummyHost& dummy, const ProcessEnd& end) { OnEnd(dummy, end); };
  DummyHost& dummy = lines_.emplace_back(caller, parent_, std::move(on_end)).dummy;
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
  lines_.remove_if([&dummy](const Line& line) { return &line.dummy == &dummy; });
}

}  // namespace dummy_process
