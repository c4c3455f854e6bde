#include "forkserver/report/process_report.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "forkserver/host/launched_by.h"
#include "forkserver/report/short_bytes.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace forkserver {
namespace {

std::string_view StateName(TemplateStatus::State state) {
  switch (state) {
    case TemplateStatus::State::kNotStarted:
      return "not started";
    case TemplateStatus::State::kStarting:
      return "starting";
    case TemplateStatus::State::kServing:
      return "serving";
    case TemplateStatus::State::kDead:
      return "dead";
    case TemplateStatus::State::kGivenUp:
      return "given up";
  }
  return "?";
}

std::string DescribeState(const TemplateStatus& one) {
  std::string text(StateName(one.state));
  if (one.state == TemplateStatus::State::kServing) {
    const FreezeReport& freeze = one.hello.freeze;
    absl::StrAppendFormat(&text, ", %s",
                          freeze.frozen() ? ShortBytes(freeze.bytes) + " frozen" : "not frozen");
  }
  if (one.pool.max > 0) {
    absl::StrAppendFormat(&text, ", %d blank%s of %d-%d", one.idle_blanks.size(),
                          one.idle_blanks.size() == 1 ? "" : "s", one.pool.min, one.pool.max);
  }
  if (one.starts > 1) absl::StrAppendFormat(&text, ", start %d", one.starts);
  if (!one.why_dead.ok()) {
    absl::StrAppendFormat(&text, ": %s", OneLine(std::string(one.why_dead.message())));
  }
  return text;
}

std::string TypeName(ProcessType type, pid_t pid) {
  const ProcessTypeRow* const row = FindProcessType(type);
  return absl::StrFormat("%s (%d)", row != nullptr ? row->user_facing_name : "?", pid);
}

class TreeWriter {
 public:
  TreeWriter(const ForkServer& server, std::span<const ReportedChild> children,
             ProcessReport& report)
      : templates_(server.templates()), children_(children), report_(report) {
    children_shown_.resize(children.size());
    Write({.role = ProcessRole::kHost,
           .pid = getpid(),
           .name = TypeName(ProcessType::kParent, getpid())});
    const std::optional<pid_t> seed = server.seed_pid();
    if (seed) {
      Write({.role = ProcessRole::kSeed,
             .pid = *seed,
             .depth = 1,
             .name = absl::StrFormat("Seed (%d)", *seed),
             .type = ProcessType::kForkServer});
    }
    for (const TemplateStatus& one : templates_) {
      // Only the first layout's root is the seed's; the others were exec'ed.
      if (one.parent.empty()) WriteTemplate(one, seed && one.layout == 0 ? 2 : 1);
    }
    // What was exec'ed, and whose template is none that there is.
    for (size_t i = 0; i < children_.size(); ++i) {
      if (!children_shown_[i]) WriteChild(i, 1);
    }
  }

 private:
  void Write(ReportedProcess process) {
    process.name = OneLine(process.name);
    report_.processes.push_back(std::move(process));
  }

  void WriteTemplate(const TemplateStatus& one, size_t depth) {
    std::string name = "Template " + one.name;
    if (one.layout > 0) absl::StrAppendFormat(&name, ", layout %d", one.layout);
    if (one.pid) absl::StrAppendFormat(&name, " (%d)", *one.pid);
    Write({.role = ProcessRole::kTemplate,
           .pid = one.pid.value_or(-1),
           .depth = depth,
           .name = std::move(name),
           .type = ProcessType::kForkServer,
           .template_name = one.name,
           .layout = one.layout,
           .state = DescribeState(one)});
    if (one.init_pid) {
      Write({.role = ProcessRole::kInit,
             .pid = *one.init_pid,
             .depth = depth + 1,
             .name = absl::StrFormat("Init of %s (%d)", one.name, *one.init_pid),
             .type = ProcessType::kForkServer,
             .template_name = one.name,
             .layout = one.layout});
    }
    for (const pid_t blank : one.idle_blanks) {
      Write({.role = ProcessRole::kBlank,
             .pid = blank,
             .depth = depth + 1,
             .name = absl::StrFormat("Preallocated (%d)", blank),
             .type = kTypeIsOpen,
             .template_name = one.name,
             .layout = one.layout,
             .state = "waits in the pool"});
    }
    for (size_t i = 0; i < children_.size(); ++i) {
      const ReportedChild& child = children_[i];
      if (!children_shown_[i] && child.template_name == one.name && child.layout == one.layout) {
        WriteChild(i, depth + 1);
      }
    }
    for (const TemplateStatus& below : templates_) {
      if (below.parent == one.name && below.layout == one.layout) WriteTemplate(below, depth + 1);
    }
  }

  void WriteChild(size_t index, size_t depth) {
    const ReportedChild& child = children_[index];
    children_shown_[index] = true;
    const bool is_thread = child.role == ProcessRole::kThread;
    Write({.role = child.role,
           .pid = child.pid,
           .depth = depth,
           .name = child.name.empty() ? TypeName(child.type, child.pid) : child.name,
           .type = child.type,
           .remote_type = OneLine(child.remote_type),
           .template_name = child.template_name,
           .layout = child.layout,
           .state = is_thread ? "on a thread of the host"
                              : absl::StrCat("by ", std::string(LaunchedByName(child.by))),
           .child_id = child.child_id});
  }

  const std::vector<TemplateStatus> templates_;
  const std::span<const ReportedChild> children_;
  std::vector<bool> children_shown_;
  ProcessReport& report_;
};

ProcessSample Lacking(pid_t pid, const std::string& why) {
  const absl::Status status = absl::NotFoundError(why);
  return {.pid = pid,
          .taken_at = NowNanos(),
          .stat = status,
          .memory = status,
          .descriptors = status,
          .uptime_nanos = status};
}

ProcessSample SampleOf(const ReportedProcess& process) {
  if (process.role == ProcessRole::kThread) return Lacking(process.pid, "is a thread of the host");
  if (process.pid <= 0) return Lacking(process.pid, "does not run");
  ProcessSample sample = TakeProcessSample(process.pid);
  if (process.role != ProcessRole::kHost && sample.stat.ok() && sample.stat->parent != getpid()) {
    return Lacking(process.pid,
                   absl::StrFormat("pid %d: has ended, and is another process's now", process.pid));
  }
  return sample;
}

}  // namespace

std::string_view ProcessRoleName(ProcessRole role) {
  switch (role) {
    case ProcessRole::kHost:
      return "host";
    case ProcessRole::kSeed:
      return "seed";
    case ProcessRole::kTemplate:
      return "template";
    case ProcessRole::kInit:
      return "init";
    case ProcessRole::kBlank:
      return "blank";
    case ProcessRole::kChild:
      return "child";
    case ProcessRole::kThread:
      return "thread";
  }
  return "?";
}

ReportedChild Describe(const LaunchedChild& child, ProcessType type, std::string name) {
  return {.pid = child.process.pid(),
          .type = type,
          .name = std::move(name),
          .template_name = child.template_name,
          .layout = child.layout,
          .by = child.by};
}

ProcessReport TakeProcessReport(const ForkServer& server, std::span<const ReportedChild> children,
                                const ProcessReport* before) {
  ProcessReport report = {.taken_at = NowNanos()};
  TreeWriter(server, children, report);
  for (ReportedProcess& process : report.processes) {
    process.sample = SampleOf(process);
    if (before == nullptr) continue;
    const auto earlier = std::find_if(
        before->processes.begin(), before->processes.end(),
        [&](const ReportedProcess& one) { return SameProcess(one.sample, process.sample); });
    if (earlier != before->processes.end()) {
      process.cpu_share = CpuShare(earlier->sample, process.sample);
    }
  }
  report.took_nanos = NowNanos() - report.taken_at;
  return report;
}

}  // namespace forkserver
