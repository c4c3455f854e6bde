// The compositor: the program of the gpu process, and of the parent's compositing thread where
// there is to be no such process any more (compositor_service.h).
//
//     StartOptions options = {.programs = {{ProcessType::kGpu, MakeChildProgram<CompositorChild>},
//                                          ...}};
//     options.templates = ProcessTemplates(options.programs);
//     SetUpCompositorTemplate(options.templates);
//
// It composes one picture at a time, in memory, with cairo, under its row's policy; a card it does
// not use. It keeps nothing of a picture when that is answered. On the thread it is a guest in the
// parent: what it maps there it has checked as it does in a process.
#ifndef EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSITOR_CHILD_H_
#define EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSITOR_CHILD_H_

#include <vector>

#include "absl/status/status.h"
#include "child/process/child_process.h"
#include "examples/browser_host/compose/compose_messages.h"
#include "forkserver/host/template_options.h"
#include "transceiver/actor/resolver.h"

namespace browser_host {

class CompositorChild : public forkserver::ChildProcess<CompositorChild, CompositorProtocol> {
 public:
  using ChildProcess::ChildProcess;
  using ChildProcess::Receive;
  absl::Status Receive(Compose& message, forkserver::Resolver<Composed> resolver);
};

// The template of gpu processes, with cairo warmed up: a picture of a few pixels composed.
void SetUpCompositorTemplate(std::vector<forkserver::TemplateOptions>& templates);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSITOR_CHILD_H_
