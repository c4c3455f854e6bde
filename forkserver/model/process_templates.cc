#include "forkserver/model/process_templates.h"

#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <string>

#include "child/process_types.h"
#include "forkserver/model/remote_type.h"

namespace forkserver {
namespace {

TemplateOptions* Find(std::vector<TemplateOptions>& templates, std::string_view name) {
  const auto found = std::find_if(templates.begin(), templates.end(),
                                  [name](const TemplateOptions& one) { return one.name == name; });
  return found == templates.end() ? nullptr : &*found;
}

// Content's: the process type is one, the policies are their remote types'.
void AddContent(std::vector<TemplateOptions>& templates) {
  const ProcessTypeRow& content = *FindProcessType(ProcessType::kContent);
  for (const RemoteTypeRow& row : RemoteTypeRows()) {
    if (row.template_name.empty() || Find(templates, row.template_name) != nullptr) continue;
    const bool has_blanks = row.from_blank == FromBlank::kMay;
    TemplateOptions& one =
        templates.emplace_back(TemplateOptions{.name = std::string(row.template_name),
                                               .sandbox = {.policy = row.sandbox},
                                               .pool = has_blanks ? content.pool : kNoPool});
    // What has no remote type is for no content: it comes from the strictest.
    if (row.template_name == content.template_name) one.types = {ProcessType::kContent};
  }
}

}  // namespace

std::vector<TemplateOptions> ProcessTemplates(std::span<const ChildProgramRow> programs) {
  std::vector<TemplateOptions> templates;
  for (const ChildProgramRow& program : programs) {
    const ProcessTypeRow& row = *FindProcessType(program.type);
    if (row.template_name.empty() || row.template_name == kRootTemplate) continue;
    if (row.type == ProcessType::kContent) {
      AddContent(templates);
      continue;
    }
    TemplateOptions* one = Find(templates, row.template_name);
    if (one == nullptr) {
      one = &templates.emplace_back(TemplateOptions{.name = std::string(row.template_name),
                                                    .sandbox = {.policy = row.sandbox}});
    }
    one->types.push_back(row.type);
  }
  return templates;
}

TemplateOptions& TemplateNamed(std::vector<TemplateOptions>& templates, std::string_view name) {
  TemplateOptions* const one = Find(templates, name);
  if (one != nullptr) return *one;
  fprintf(stderr, "no template '%.*s'; for the types that there are programs for there are:",
          static_cast<int>(name.size()), name.data());
  for (const TemplateOptions& there : templates) fprintf(stderr, " '%s'", there.name.c_str());
  fputc('\n', stderr);
  abort();
}

}  // namespace forkserver
