#include "examples/browser_host/fetch/socket_child.h"

#include <errno.h>
#include <signal.h>

#include <string>
#include <utility>

#include "examples/browser_host/fetch/network_libraries.h"
#include "examples/browser_host/fetch/warm_up.h"
#include "forkserver/model/process_templates.h"
#include "transceiver/errno_status.h"

namespace browser_host {

using forkserver::Resolver;

absl::Status SocketChild::Init() {
  const absl::StatusOr<FetchSetup> setup = FetchSetup::Parse(arguments().extra);
  if (!setup.ok()) return setup.status();
  // Its template's, or its own of before its sandbox.
  libraries_ = LoadNetworkLibraries();
  if (!libraries_.ok()) return absl::OkStatus();
  if (absl::Status seeded = SeedAnew(); !seeded.ok()) return seeded;
  // Its template has told of what failed there, and of what fails here each https: fetch tells.
  WarmUpFetching(setup->ca_files).IgnoreError();
  // OpenSSL may write to a connection whose server is gone.
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return forkserver::ErrnoStatus(errno, "signal SIGPIPE");
  absl::StatusOr<std::unique_ptr<Fetcher>> fetcher =
      Fetcher::Create(loop(), {.trust = FetchTrust(), .connect_to = setup->connect_to});
  if (!fetcher.ok()) return fetcher.status();
  fetcher_ = *std::move(fetcher);
  return absl::OkStatus();
}

absl::Status SocketChild::Receive(FetchResource& message, Resolver<ResourceFetched> resolver) {
  if (fetcher_ == nullptr) {
    resolver.Reject(libraries_);
    return absl::OkStatus();
  }
  const FetchOrder order = {.url = message.url.str(),
                            .what = message.what,
                            .patience = {.connect = absl::Milliseconds(message.connect_millis),
                                         .silence = absl::Milliseconds(message.silence_millis),
                                         .whole = absl::Milliseconds(message.whole_millis)},
                            .waited = absl::Milliseconds(message.waited_millis)};
  // A std::function's are copied.
  auto answer = std::make_shared<Resolver<ResourceFetched>>(std::move(resolver));
  fetcher_->Fetch(message.id, order, [answer](absl::StatusOr<FetchAnswer> fetched) {
    if (!fetched.ok()) return answer->Reject(fetched.status());
    ResourceFetched reply = {.final_url = std::move(fetched->final_url),
                             .http_status = fetched->http_status,
                             .content_type = std::move(fetched->content_type),
                             .charset = std::move(fetched->charset),
                             .opener_policy = std::move(fetched->opener_policy),
                             .embedder_policy = std::move(fetched->embedder_policy),
                             .body_size = fetched->body_size};
    reply.body.fd = std::move(fetched->body);
    answer->Resolve(reply).IgnoreError();
  });
  return absl::OkStatus();
}

absl::Status SocketChild::Receive(StopFetch& message) {
  if (fetcher_ != nullptr) fetcher_->Cancel(message.id);
  return absl::OkStatus();
}

forkserver::ChildProgramRow SocketProgram() {
  return {.type = forkserver::ProcessType::kSocket,
          .make = forkserver::MakeChildProgram<SocketChild>,
          .before_sandbox = [] { LoadNetworkLibraries().IgnoreError(); }};
}

void SetUpSocketTemplate(std::vector<forkserver::TemplateOptions>& templates,
                         const FetchSetup& setup) {
  forkserver::TemplateOptions& socket = forkserver::TemplateNamed(templates, "socket");
  socket.warm_ups.push_back(
      {"libcurl", [files = setup.ca_files] { return WarmUpFetching(files); }});
  // For those that are exec'ed, and read them in their sandbox.
  for (const std::string& file : setup.ca_files) {
    socket.sandbox.files.push_back({.path = file, .rights = forkserver::kMayRead});
  }
}

}  // namespace browser_host
