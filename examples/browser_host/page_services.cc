#include "examples/browser_host/page_services.h"

#include <utility>

#include "absl/status/status.h"
#include "child/process_types.h"

namespace browser_host {

using forkserver::ParentProcess;
using forkserver::ProcessType;

PageServices::PageServices(ParentProcess& parent, ServedSites served)
    : loader_(std::move(served)),
      decoder_(parent, ProcessType::kDataDecoder, MakeDecoderHost,
               Recorded(ProcessType::kDataDecoder, DecoderServiceOptions())) {}

forkserver::ServiceOptions PageServices::Recorded(ProcessType type,
                                                  forkserver::ServiceOptions options) {
  options.on_change = [this, type](const forkserver::ProcessHandle* process, const absl::Status&) {
    if (process == nullptr) return;
    running_[type] = {.type = forkserver::FindProcessType(type)->name, .handle = *process};
  };
  options.on_end = [this, type](const forkserver::ProcessEnd& end) {
    auto ran = running_.extract(type);
    if (ran.empty()) return;  // it was never launched
    ran.mapped().end = end;
    const forkserver::ChildId id = ran.mapped().handle.id;
    ended_.emplace(id, std::move(ran.mapped()));
  };
  return options;
}

void PageServices::ShutDown() {
  for (auto& [type, process] : running_) process.private_kib = PrivateKib(process.handle.pid);
  decoder_.ShutDown();
}

std::vector<EndedProcess> PageServices::TakeEnded() {
  std::vector<EndedProcess> ended;
  for (auto& [id, process] : std::exchange(ended_, {})) ended.push_back(std::move(process));
  return ended;
}

}  // namespace browser_host
