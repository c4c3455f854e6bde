// All processes of a host at one moment: itself, the seed, templates, their blanks and inits, and
// the children that the embedder names.
//
//     std::vector<ReportedChild> mine = {Describe(child, ProcessType::kDummy)};
//     ProcessReport report = TakeProcessReport(*server, mine);
//     ...                                                          // a second later
//     ProcessReport next = TakeProcessReport(*server, mine, &report);     // has CPU shares
//     printf("%s", ToTable(next, 120).c_str());                    // process_table.h
//
// A ForkServer does not know the children that it has given away, so the embedder says which there
// are; with a ParentProcess of the model, ChildrenOf says it (model_children.h).
//
// The tree: who was forked from whom. For the kernel all are the host's children, since a template
// gives its children away; so a process is shown below its template, a template below its parent,
// and what was exec'ed below the host.
//
// Pids: those of templates and blanks are the server's, unreaped when it told them; those of
// children must be unreaped (a Process is). One that has ended in between, whose pid is another
// process's by now, is seen by its parent, which is not this process, and is an error in its
// sample.
//
// Price: TakeProcessSample's, once for each process. Threads: those of ForkServer::templates, so
// any. Allocates; nothing here is for between fork and Ready.
#ifndef FORKSERVER_REPORT_PROCESS_REPORT_H_
#define FORKSERVER_REPORT_PROCESS_REPORT_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "child/process_types.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/report/own_figures.h"
#include "forkserver/report/process_sample.h"

namespace forkserver {

enum class ProcessRole : uint8_t {
  kHost,
  kSeed,
  kTemplate,
  kInit,   // of the pid namespace of a template's children
  kBlank,  // waits in a template's pool
  kChild,
  kThread,  // a child's program on a thread of the host (ParentFallback): it has no figures
};

// "host", "seed", "template"...
std::string_view ProcessRoleName(ProcessRole role);

// A child that the embedder knows.
struct ReportedChild {
  ProcessRole role = ProcessRole::kChild;  // or kThread
  pid_t pid = -1;
  ProcessType type = ProcessType::kParent;
  std::string name = {};           // for people; empty: "Utility (12345)", by its type
  std::string remote_type = {};    // of content
  std::string template_name = {};  // whose child it is; empty: it was exec'ed
  int layout = 0;
  LaunchedBy by = LaunchedBy::kFork;
  uint64_t child_id = 0;  // the model's; 0: it has none
};

ReportedChild Describe(const LaunchedChild& child, ProcessType type, std::string name = {});

struct ReportedProcess {
  ProcessRole role = ProcessRole::kChild;
  pid_t pid = -1;         // -1: it has none, as a template that does not run
  size_t depth = 0;       // in the tree; it stands below the last one before it that is less deep
  std::string name = {};  // in one line, and without control characters
  ProcessType type = ProcessType::kParent;
  std::string remote_type = {};
  std::string template_name = {};  // of a template its own, else whose it is
  int layout = 0;
  // "serving, 12.3M frozen, 3 blanks of 1-3"; "by fork".
  std::string state = {};
  ProcessSample sample = {};
  std::optional<double> cpu_share = {};  // since the report before; 1 is a processor
  uint64_t child_id = 0;                 // the model's; 0: it has none
  // What it has said of its memory, or why not; nothing: it was not asked (own_memory_round.h).
  std::optional<absl::StatusOr<OwnFigures>> own = {};
};

struct ProcessReport {
  int64_t taken_at = 0;  // NowNanos
  int64_t took_nanos = 0;
  // The tree, a process before those below it.
  std::vector<ReportedProcess> processes = {};
};

// `before`: an earlier report of the same server, for what is between two.
ProcessReport TakeProcessReport(const ForkServer& server, std::span<const ReportedChild> children,
                                const ProcessReport* before = nullptr);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_PROCESS_REPORT_H_
