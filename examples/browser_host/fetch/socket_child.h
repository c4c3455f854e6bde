// The socket process: the only one of a program that has a network. It fetches what the parent asks
// for (fetcher.h says how), under the policy `socket`.
//
//     StartOptions options = {.programs = {SocketProgram(), ...}};
//     options.templates = ProcessTemplates(options.programs);
//     SetUpSocketTemplate(options.templates, setup);
//
// Its parent's side is in fetch_service.h, what they say to each other in socket_messages.h.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_SOCKET_CHILD_H_
#define EXAMPLES_BROWSER_HOST_FETCH_SOCKET_CHILD_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "child/child_program.h"
#include "child/process/child_process.h"
#include "examples/browser_host/fetch/fetch_setup.h"
#include "examples/browser_host/fetch/fetcher.h"
#include "examples/browser_host/fetch/socket_messages.h"
#include "forkserver/host/template_options.h"
#include "transceiver/actor/resolver.h"

namespace browser_host {

class SocketChild : public forkserver::ChildProcess<SocketChild, SocketProtocol> {
 public:
  using ChildProcess::ChildProcess;
  using ChildProcess::Receive;
  absl::Status Receive(FetchResource& message, forkserver::Resolver<ResourceFetched> resolver);
  absl::Status Receive(StopFetch& message);

 private:
  absl::Status Init() override;
  void CleanUp() override { fetcher_.reset(); }

  // Why it has none: what each fetch fails with.
  absl::Status libraries_;
  std::unique_ptr<Fetcher> fetcher_;
};

// The row of the socket process. One that is exec'ed loads libcurl and OpenSSL before its sandbox,
// which has no new code; where they cannot be loaded it runs, and says so of each fetch.
forkserver::ChildProgramRow SocketProgram();

// The template of the socket process: the libraries warmed up, and in its policy the files of
// `setup`, which is the same that SocketServiceOptions is given.
void SetUpSocketTemplate(std::vector<forkserver::TemplateOptions>& templates,
                         const FetchSetup& setup = {});

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_SOCKET_CHILD_H_
