// The templates of the process model, as the two tables have them: one for each policy.
//
//     StartOptions options = {.programs = programs};
//     options.templates = ProcessTemplates(options.programs);
//     TemplateNamed(options.templates, "content").warm_ups = {{"html parser", ReadyTheParser}};
//     TemplateNamed(options.templates, "file").sandbox.files = {...};
//     ForkServer::Start(argc, argv, std::move(options));
//
// Content processes come from the template of their remote type (remote_type.h), whose blanks are
// the preallocated processes; those of `file` and `extension` have no blanks. Other types come from
// the template that their row names (child/process_types.h), those of one name from one template.
//
// Pure. Threads: any.
#ifndef FORKSERVER_MODEL_PROCESS_TEMPLATES_H_
#define FORKSERVER_MODEL_PROCESS_TEMPLATES_H_

#include <span>
#include <string_view>
#include <vector>

#include "child/child_program.h"
#include "forkserver/host/template_options.h"

namespace forkserver {

// Of the types that there are programs for. Each is started on its first use, when the prefs that
// say at which level its sandbox is are there: by a launch, or by Preallocation.
std::vector<TemplateOptions> ProcessTemplates(std::span<const ChildProgramRow> programs);

// Aborts where there is none of that name: the caller's mistake.
TemplateOptions& TemplateNamed(std::vector<TemplateOptions>& templates, std::string_view name);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_PROCESS_TEMPLATES_H_
