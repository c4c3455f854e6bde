#include "examples/browser_host/page_services.h"

#include <utility>

#include "absl/status/status.h"
#include "child/process_types.h"
#include "examples/browser_host/live_processes.h"

namespace browser_host {

using forkserver::ParentProcess;
using forkserver::ProcessType;
using forkserver::Url;

PageServices::PageServices(ParentProcess& parent, const forkserver::PublicSuffixList& suffixes,
                           ServedSites served, FetchSetup network, forkserver::PrefsStore* prefs)
    : parent_(parent),
      suffixes_(suffixes),
      canvases_(parent.loop()),
      about_(parent, {.processes = [this] { return LiveProcesses(parent_); },
                      .prefs = prefs != nullptr ? *prefs : no_prefs_,
                      .publish =
                          [this](const forkserver::PrefsGeneration& next) {
                            return parent_.SetPrefs(next);
                          }}),
      network_setup_(std::move(network)),
      loader_(
          std::move(served),
          [this](const Url& url, FetchFor what, const Loader::Callback& callback) {
            return FetchFromNetwork(url, what, callback);
          },
          [this](LoadId id) {
            if (network_) CancelFetch(*network_, id);
          }),
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

LoadId PageServices::FetchFromNetwork(const Url& url, FetchFor what,
                                      const Loader::Callback& callback) {
  if (!network_) {
    network_.emplace(parent_, ProcessType::kSocket, MakeSocketHost,
                     Recorded(ProcessType::kSocket, SocketServiceOptions(network_setup_)));
  }
  return Fetch(*network_, {.url = url.ToString(), .what = what},
               [callback](absl::StatusOr<Fetched> fetched) {
                 if (!fetched.ok()) return callback(fetched.status());
                 absl::StatusOr<Url> final_url = Url::Parse(fetched->final_url);
                 if (!final_url.ok()) return callback(final_url.status());
                 callback(Loaded{.url = *std::move(final_url),
                                 .http_status = fetched->http_status,
                                 .body = std::move(fetched->body),
                                 .content_type = std::move(fetched->content_type),
                                 .charset = std::move(fetched->charset),
                                 .opener_policy = std::move(fetched->opener_policy),
                                 .embedder_policy = std::move(fetched->embedder_policy)});
               });
}

absl::StatusOr<AboutChildsEnd> PageServices::OpenAboutData(
    const forkserver::ProcessHostCore& process) {
  return about_.Open(process);
}

CompositorService& PageServices::compositor() {
  if (!compositor_) {
    const forkserver::ServiceOptions recorded = Recorded(ProcessType::kGpu, {});
    compositor_.emplace(parent_, CompositorService::Options{.on_change = recorded.on_change,
                                                            .on_end = recorded.on_end});
  }
  return *compositor_;
}

void PageServices::ShutDown() {
  for (auto& [type, process] : running_) process.private_kib = PrivateKib(process.handle.pid);
  decoder_.ShutDown();
  if (network_) network_->ShutDown();
  if (compositor_) compositor_->ShutDown();
}

std::vector<EndedProcess> PageServices::TakeEnded() {
  std::vector<EndedProcess> ended;
  for (auto& [id, process] : std::exchange(ended_, {})) ended.push_back(std::move(process));
  return ended;
}

}  // namespace browser_host
