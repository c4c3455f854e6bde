#include "examples/dummy_process/caller_child.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "examples/dummy_process/hotline.h"

namespace dummy_process {

using forkserver::Resolver;

absl::Status CallerChild::Receive(BeAssisted&, Resolver<Assistance> resolver) {
  // Kept until the dummy process has answered.
  auto answer = std::make_shared<Resolver<Assistance>>(std::move(resolver));
  return Call(OpenHotline{}, [this, answer](absl::StatusOr<HotlineOpened> opened) {
    if (!opened.ok()) return answer->Reject(opened.status());
    const absl::Status asked = line_.emplace().Ask(loop(), std::move(opened->end),
                                                   [answer](absl::StatusOr<Assistance> assistance) {
                                                     if (!assistance.ok())
                                                       return answer->Reject(assistance.status());
                                                     // It was within its limits when it came.
                                                     answer->Resolve(*assistance).IgnoreError();
                                                   });
    if (!asked.ok()) answer->Reject(asked);
  });
}

}  // namespace dummy_process
