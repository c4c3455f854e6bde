// What the browser host's children run.
#ifndef EXAMPLES_BROWSER_HOST_CHILD_PROGRAMS_H_
#define EXAMPLES_BROWSER_HOST_CHILD_PROGRAMS_H_

#include "child/child_program.h"

namespace browser_host {

// ProcessType::kContent: parses the pages of one site until the host hangs up.
class ContentProgram : public forkserver::ChildProgram {
 public:
  int Run(forkserver::ChildContext& context) override;
};

// ProcessType::kUtility: prints its own prefs to stdout, sorted by name, one
// `name<TAB>type<TAB>value` a line, with newline, carriage return, tab and backslash escaped.
class PrintPrefsProgram : public forkserver::ChildProgram {
 public:
  int Run(forkserver::ChildContext& context) override;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_CHILD_PROGRAMS_H_
