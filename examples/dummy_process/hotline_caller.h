// The caller's end of a hotline: asks once, and hangs up.
//
//     HotlineCaller caller;
//     caller.Ask(loop, std::move(end), [](absl::StatusOr<Assistance> answer) { ... });
//
// The same in the parent process and in a content process. Once in a lifetime. After Ok the
// callback is called once: with the answer, or Unavailable where the dummy process went without
// one; not where the caller is destroyed first. Threads: that of the loop.
#ifndef EXAMPLES_DUMMY_PROCESS_HOTLINE_CALLER_H_
#define EXAMPLES_DUMMY_PROCESS_HOTLINE_CALLER_H_

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/dummy_process/hotline.h"
#include "transceiver/actor/actor.h"
#include "transceiver/event_loop.h"

namespace dummy_process {

class HotlineCaller : public forkserver::Actor<HotlineCaller, Hotline, forkserver::Side::kParent> {
 public:
  using Callback = std::function<void(absl::StatusOr<Assistance> answer)>;

  absl::Status Ask(forkserver::EventLoop& loop, CallersEnd end, Callback callback) {
    if (absl::Status bound = Bind(loop, std::move(end)); !bound.ok()) return bound;
    return Call(GetAssistance{},
                [this, callback = std::move(callback)](absl::StatusOr<Assistance> answer) {
                  // Before the callback, which may destroy this.
                  CloseSoon();
                  callback(std::move(answer));
                });
  }
};

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_HOTLINE_CALLER_H_
