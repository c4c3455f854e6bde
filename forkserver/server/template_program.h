// A template as a child program: what a process of type forkserver runs.
//
// Warm up, check that no thread is left, enter namespaces, freeze, lock the sandbox, say Hello,
// serve; without a sandbox, the freeze follows the check. A template is launched as every
// other child is, by a Plan on its launch socket, and goes on to serve that same socket: so
// templates nest to any depth without a second mechanism.
#ifndef FORKSERVER_SERVER_TEMPLATE_PROGRAM_H_
#define FORKSERVER_SERVER_TEMPLATE_PROGRAM_H_

#include <string>
#include <vector>

#include "child/birth_record.h"
#include "child/child_program.h"
#include "child/process_image.h"
#include "child/sandbox/sandbox_options.h"
#include "child/telemetry/metric_table.h"
#include "forkserver/server/clone_process.h"
#include "preload/freeze/freeze_report.h"
#include "preload/refresh/refresh_hooks.h"
#include "preload/warm_up.h"

namespace forkserver {

// What makes one template out of its parent.
struct TemplateMaking {
  std::string name;
  std::vector<WarmUp> warm_ups = {};
  FreezeMethod freeze = FreezeMethod::kMemfd;
  SandboxOptions sandbox = {};
};

// What a program's templates are made of. Built at the first statement of main, in the host and
// in every exec'ed process alike, and constant from then on.
struct TemplateMakings {
  ProcessImage image;
  // Each runs refresh_hooks before it makes a program.
  ChildPrograms programs;
  std::vector<RefreshHook> refresh_hooks = {};
  // What programs may count.
  MetricTable metrics = {};
  std::vector<TemplateMaking> templates;  // the root first
  ProcessCloner cloner;
  // kSilentChildren, unless this process was exec'ed.
  uint32_t capabilities = 0;
};

class TemplateProgram : public ChildProgram {
 public:
  explicit TemplateProgram(const TemplateMakings& makings) : makings_(makings) {}

  // Which template it is to be, its second argument says; without one it is the root. Returns when
  // the host is gone, or with 1 if the template cannot serve, which it has reported: Failed, of
  // step kPlan (ENOENT: no template of that name) or kSingleThread (with the thread's name).
  int Run(ChildContext& context) override;

 private:
  const TemplateMakings& makings_;
};

// The seed: a template without warm-ups that was forked by main's first statement and has no Plan.
// Says Hello on `socket` and serves it. Returns the exit status. `births` may be null.
int ServeAsSeed(const TemplateMakings& makings, int socket, BirthRecord* births);

}  // namespace forkserver

#endif  // FORKSERVER_SERVER_TEMPLATE_PROGRAM_H_
