// The parent's side of the content process that calls: it gives hotlines to it.
#ifndef EXAMPLES_DUMMY_PROCESS_CALLER_HOST_H_
#define EXAMPLES_DUMMY_PROCESS_CALLER_HOST_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/dummy_process/caller_protocol.h"
#include "examples/dummy_process/help_desk.h"
#include "forkserver/model/content_host.h"
#include "transceiver/actor/resolver.h"

namespace dummy_process {

class CallerHost : public forkserver::ContentHost<CallerHost, CallerProtocol> {
 public:
  // Borrows the desk.
  CallerHost(forkserver::ParentProcess& parent, forkserver::ContentProcesses& siblings,
             HelpDesk& desk)
      : ContentHost(parent, siblings), desk_(desk) {}

  using ContentHost::Receive;
  absl::Status Receive(OpenHotline&, forkserver::Resolver<HotlineOpened> resolver) {
    // Kept until the dummy process is launched, which is long after this handler.
    auto answer = std::make_shared<forkserver::Resolver<HotlineOpened>>(std::move(resolver));
    desk_.GetAssistance(*this, [answer](absl::StatusOr<CallersEnd> end) {
      if (!end.ok()) return answer->Reject(end.status());
      // It is within its limits, or nobody waits for it any more.
      answer->Resolve({.end = *std::move(end)}).IgnoreError();
    });
    return absl::OkStatus();
  }

 private:
  HelpDesk& desk_;
};

}  // namespace dummy_process

#endif  // EXAMPLES_DUMMY_PROCESS_CALLER_HOST_H_
