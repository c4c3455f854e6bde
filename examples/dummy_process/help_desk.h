// Connects whoever asks with a dummy process of their own.
//
//     HelpDesk desk(parent, [](const DummyHost& dummy, const ProcessEnd& end) { ... });
//     desk.GetAssistance(content_host, [](absl::StatusOr<CallersEnd> end) { ... });
//     desk.GetAssistanceForParent([](absl::StatusOr<CallersEnd> end) { ... });
//
// The dummy process is launched, and has its end of the hotline before the caller has the other.
// The callback comes once, in the loop's time: with the caller's end, or with why there is none
// (the launch's error; ResourceExhausted; FailedPrecondition for a caller that is gone by then).
//
// Ownership: owns the dummy processes' hosts, each until its end, and kills those that are left;
// borrows the parent. Threads: that of the parent's loop.
#ifndef EXAMPLES_DUMMY_PROCESS_HELP_DESK_H_
#define EXAMPLES_DUMMY_PROCESS_HELP_DESK_H_

#include <stddef.h>

#include <functional>
#include <list>
#include <utility>

#include "absl/status/statusor.h"
#include "examples/dummy_process/dummy_host.h"
#include "examples/dummy_process/hotline.h"
#include "forkserver/model/parent_process.h"

namespace dummy_process {

class HelpDesk {
 public:
  using Callback = std::function<void(absl::StatusOr<CallersEnd> end)>;

  // A child may ask as often as it likes: that must neither fill the machine nor leave the others
  // without. What the parent asks for itself is not counted among it.
  static constexpr size_t kMostAtOnce = 8;
  static constexpr size_t kMostOfOneChild = 2;

  HelpDesk(forkserver::ParentProcess& parent, DummyHost::EndCallback on_end);
  HelpDesk(const HelpDesk&) = delete;
  HelpDesk& operator=(const HelpDesk&) = delete;

  // For a child process, which the callback sends its end to.
  void GetAssistance(const forkserver::ProcessHostCore& caller, Callback callback);
  // For this process.
  void GetAssistanceForParent(Callback callback);

  // Dummy processes that there are, launching ones too.
  size_t busy() const { return lines_.size(); }

 private:
  using Ends = forkserver::EndpointPair<Hotline>;
  using MakeEnds = std::function<absl::StatusOr<Ends>(const DummyHost& dummy)>;
  struct Line {
    Line(forkserver::ChildId caller, forkserver::ParentProcess& parent,
         DummyHost::EndCallback on_end)
        : caller(caller), dummy(parent, std::move(on_end)) {}

    const forkserver::ChildId caller;  // 0: this process
    DummyHost dummy;
  };

  absl::Status CheckMayHaveOneMore(const forkserver::ProcessHostCore& caller) const;
  void Connect(forkserver::ChildId caller, MakeEnds make_ends, Callback callback);
  void OnEnd(const DummyHost& dummy, const forkserver::ProcessEnd& end);

  forkserver::ParentProcess& parent_;
  const DummyHost::EndCallback on_end_;
  std::list<Line> lines_;
};

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_HELP_DESK_H_
