#include "forkserver/report/launch_trace.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child/launch_step.h"
#include "child/process_types.h"
#include "child/sandbox/sandbox_policy.h"
#include "child/sandbox/sandbox_report.h"
#include "forkserver/host/launch_failure.h"
#include "forkserver/host/launched_by.h"
#include "forkserver/report/saturating.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

using Args = TraceEvents::Args;

// Where processes stand below each other.
constexpr int kHostsPlace = -2;
constexpr int kTemplatesPlace = -1;
constexpr int kChildrensPlace = 0;

constexpr std::string_view kLaunchArrow = "launch";
constexpr std::string_view kStartArrow = "start";

std::string TemplateName(std::string_view name, int layout) {
  return layout == 0 ? absl::StrCat("template ", std::string(name))
                     : absl::StrFormat("template %s, layout %d", std::string(name), layout);
}

Args OriginArgs(const LaunchOrigin& origin) {
  Args args = Args::object();
  if (origin.by) args["by"] = LaunchedByName(*origin.by);
  if (!origin.template_name.empty()) {
    args["template"] = origin.template_name;
    args["layout"] = origin.layout;
  }
  if (origin.times_sent > 1) args["times sent"] = origin.times_sent;
  return args;
}

void AddFailure(const absl::Status& why, Args& args) {
  args["failed"] = std::string(why.message());
  args["code"] = absl::StatusCodeToString(why.code());
  const std::optional<LaunchFailure> failure = GetLaunchFailure(why);
  if (!failure) return;
  args["step"] = LaunchStepName(failure->step);
  args["errno"] = failure->error;
  args["error"] = ErrnoName(failure->error);
}

// Takes times in the order in which things happened, and holds them to it: what a process says of
// itself is its own word, and is not to be drawn before it was asked or after it had answered.
class Walk {
 public:
  Walk(int64_t from, int64_t until) : now_(from), until_(std::max(from, until)) {}
  int64_t now() const { return now_; }
  // The time before, and this one.
  std::pair<int64_t, int64_t> To(int64_t at) {
    const int64_t before = now_;
    now_ = std::clamp(at, before, until_);
    return {before, now_};
  }

 private:
  int64_t now_;
  const int64_t until_;
};

// When each step of its Plan was done, in this order.
std::vector<std::pair<int64_t, LaunchStep>> StepsDone(const ReadyMessage& child) {
  std::vector<std::pair<int64_t, LaunchStep>> steps;
  for (size_t i = 0; i < child.done_at.size(); ++i) {
    if (child.done_at[i] != 0) steps.emplace_back(child.done_at[i], static_cast<LaunchStep>(i));
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

void ShowPhase(TraceEvents& events, TraceRow row, std::string_view name,
               std::pair<int64_t, int64_t> when) {
  events.Complete(row, name, when.first, when.second);
}

// The whole of a launch in one row, as its caller waits for it.
void ShowPhases(TraceEvents& events, TraceRow row, const LaunchReady& launch, int64_t done_at) {
  const LaunchTimes& times = launch.times;
  Walk walk(times.requested_at, times.ready_received_at);
  switch (launch.origin.by.value_or(LaunchedBy::kFork)) {
    case LaunchedBy::kPool:
      ShowPhase(events, row, "to the blank", walk.To(times.child.plan_received_at));
      break;
    case LaunchedBy::kFork:
      ShowPhase(events, row, "to the template", walk.To(times.template_received_at));
      ShowPhase(events, row, "fork", walk.To(times.child.started_at));
      ShowPhase(events, row, "start of the child", walk.To(times.child.plan_received_at));
      break;
    case LaunchedBy::kExec:
      ShowPhase(events, row, "exec", walk.To(times.child.started_at));
      ShowPhase(events, row, "start of the child", walk.To(times.child.plan_received_at));
      break;
  }
  ShowPhase(events, row, "Plan", walk.To(done_at));
  ShowPhase(events, row, "Ready to the host", walk.To(times.ready_received_at));
}

// What the child does of it, and that its program runs from there on. Returns when that is.
int64_t ShowChild(TraceEvents& events, const LaunchReady& launch) {
  const TraceRow row = TraceRow::Of(launch.pid);
  const ReadyMessage& child = launch.times.child;
  const std::string_view type = ProcessTypeName(launch.type);
  const bool was_blank = launch.origin.by == LaunchedBy::kPool;
  events.NameProcess(launch.pid, type, kChildrensPlace);
  events.NameRow(row, type);
  Walk walk(was_blank ? 0 : launch.times.requested_at, launch.times.ready_received_at);
  walk.To(child.started_at);
  const int64_t started_at = walk.now();
  if (was_blank) walk.To(launch.times.requested_at);
  walk.To(child.plan_received_at);
  const int64_t plan_at = walk.now();
  events.Complete(row, was_blank ? "blank" : "start", started_at, plan_at);
  const std::vector<std::pair<int64_t, LaunchStep>> steps = StepsDone(child);
  const int64_t done_at =
      steps.empty() ? plan_at
                    : std::clamp(steps.back().first, plan_at, launch.times.ready_received_at);
  // Before what is in it.
  events.Complete(row, "Plan", plan_at, done_at);
  for (const auto& [at, step] : steps) ShowPhase(events, row, LaunchStepName(step), walk.To(at));
  events.ArrowTo(row, kLaunchArrow, launch.id, plan_at);
  events.Begin(row, "program", done_at, {{"launch", launch.id}});
  return done_at;
}

// What a template has done until it serves.
void ShowWarmUp(TraceEvents& events, TraceRow row, const HelloMessage& hello, Walk& walk) {
  for (const WarmUpReport& one : hello.warm_ups) {
    walk.To(one.started_at);
    const auto [begin, end] = walk.To(SumSaturating(one.started_at, one.nanos));
    Args args = {{"KiB", one.anonymous_kib},
                 {"page tables KiB", one.page_table_kib},
                 {"descriptors", one.descriptors}};
    if (!one.error.empty()) args["failed"] = one.error;
    events.Complete(row, one.name, begin, end, std::move(args));
  }
  const SandboxReport& sandbox = hello.sandbox;
  const bool is_sandboxed = sandbox.level > 0;
  Args layers = Args::object();
  if (is_sandboxed) {
    layers["policy"] = SandboxPolicyName(sandbox.policy);
    layers["level"] = sandbox.level;
    layers["layers"] = std::count_if(sandbox.layers.begin(), sandbox.layers.end(),
                                     [](const LayerState& layer) { return layer.holds(); });
    layers["engaging us"] = sandbox.engaging_nanos / 1000;
    layers["compiling us"] = sandbox.compiling_nanos / 1000;
  }
  const auto before_freeze = walk.To(hello.freeze.started_at);
  if (is_sandboxed) {
    events.Complete(row, "sandbox: filter and namespaces", before_freeze.first,
                    before_freeze.second, layers);
  }
  const auto freeze = walk.To(SumSaturating(hello.freeze.started_at, hello.freeze.nanos));
  events.Complete(row, "freeze", freeze.first, freeze.second,
                  {{"frozen", hello.freeze.frozen()}, {"bytes", hello.freeze.bytes}});
  const auto rest = walk.To(hello.serving_at);
  if (is_sandboxed)
    events.Complete(row, "sandbox: rest, and Hello", rest.first, rest.second, layers);
}

}  // namespace

LaunchTrace::LaunchTrace(std::string_view host_name) : host_name_(host_name) {}

absl::Status LaunchTrace::Open(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return file_.Open(path);
}

absl::Status LaunchTrace::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return file_.Close();
}

void LaunchTrace::Write(const TraceEvents& events) {
  if (events.count() > 0) file_.Append(events.text(), events.count());
}

// The first is the host's main thread's, in a manner of speaking; the others have numbers that are
// no thread's.
TraceRow LaunchTrace::RowOf(size_t lane) const {
  return {.pid = host_, .tid = lane == 0 ? host_ : static_cast<int64_t>(lane)};
}

LaunchTrace::UnderWay LaunchTrace::BeginOnLane(TraceEvents& events, std::string_view name,
                                               int64_t at, Args args) {
  if (std::exchange(host_, getpid()) == 0)
    events.NameProcess(host_, "host " + host_name_, kHostsPlace);
  const UnderWay begun = {.lane = lanes_.Take(), .begun_at = at};
  for (; named_lanes_ < lanes_.count(); ++named_lanes_) {
    events.NameRow(RowOf(named_lanes_), absl::StrCat("requests ", named_lanes_ + 1));
  }
  events.Begin(RowOf(begun.lane), name, at, std::move(args));
  return begun;
}

void LaunchTrace::EndOnLane(TraceEvents& events, const UnderWay& under_way, int64_t at, Args args) {
  events.End(RowOf(under_way.lane), at, std::move(args));
  lanes_.GiveBack(under_way.lane);
}

void LaunchTrace::OnLaunchBegun(const LaunchBegun& launch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  TraceEvents events;
  launches_[launch.id] =
      BeginOnLane(events, absl::StrCat("launch ", std::string(ProcessTypeName(launch.type))),
                  launch.requested_at, {{"launch", launch.id}});
  Write(events);
}

void LaunchTrace::OnLaunchReady(const LaunchReady& launch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = launches_.find(launch.id);
  if (found == launches_.end()) return;
  const LaunchTimes& times = launch.times;
  TraceEvents events;
  const TraceRow row = RowOf(found->second.lane);
  events.ArrowFrom(row, kLaunchArrow, launch.id, times.requested_at);
  if (launch.origin.template_pid && launch.origin.by == LaunchedBy::kFork) {
    const TraceRow template_row = TraceRow::Of(*launch.origin.template_pid);
    Walk walk(times.requested_at, times.ready_received_at);
    walk.To(times.template_received_at);
    const auto [received, cloned] = walk.To(times.template_cloned_at);
    events.Complete(template_row, absl::StrCat("fork ", std::string(ProcessTypeName(launch.type))),
                    received, cloned, {{"launch", launch.id}, {"child", launch.pid}});
    events.ArrowOver(template_row, kLaunchArrow, launch.id, received);
  }
  const int64_t done_at = ShowChild(events, launch);
  ShowPhases(events, row, launch, done_at);
  Args args = OriginArgs(launch.origin);
  args["child"] = launch.pid;
  EndOnLane(events, found->second, times.ready_received_at, std::move(args));
  launches_.erase(found);
  Write(events);
}

void LaunchTrace::OnLaunchFailed(const LaunchFailed& launch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = launches_.find(launch.id);
  if (found == launches_.end()) return;
  TraceEvents events;
  events.Instant(RowOf(found->second.lane), "failed", launch.failed_at);
  Args args = OriginArgs(launch.origin);
  AddFailure(launch.why, args);
  if (launch.pid) args["child"] = *launch.pid;
  if (launch.status) args["ended"] = launch.status->ToString();
  EndOnLane(events, found->second, launch.failed_at, std::move(args));
  launches_.erase(found);
  Write(events);
}

void LaunchTrace::OnProcessEnded(const ProcessEnded& process) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // Of a template that has never served nothing was begun.
  const bool is_template = process.type == ProcessType::kForkServer;
  if (is_template && serving_.erase(process.pid) == 0) return;
  TraceEvents events;
  events.End(TraceRow::Of(process.pid), process.seen_at, {{"ended", process.status.ToString()}});
  Write(events);
}

void LaunchTrace::ShowStart(TraceEvents& events, const TemplateEvent& event,
                            const UnderWay& start) {
  const TraceRow row = TraceRow::Of(*event.pid);
  const std::string name = TemplateName(event.name, event.layout);
  events.NameProcess(*event.pid, name, kTemplatesPlace);
  events.NameRow(row, name);
  Walk whole(start.begun_at, event.at);
  whole.To(event.hello->started_at);
  const auto [started_at, serving_at] = whole.To(event.hello->serving_at);
  // Before what is in it.
  events.Complete(row, "start", started_at, serving_at, {{"start", event.starts}});
  events.ArrowFrom(RowOf(start.lane), kStartArrow, static_cast<uint64_t>(*event.pid),
                   start.begun_at);
  events.ArrowTo(row, kStartArrow, static_cast<uint64_t>(*event.pid), started_at);
  Walk walk(started_at, serving_at);
  ShowWarmUp(events, row, *event.hello, walk);
  events.Begin(row, "serving", serving_at);
  serving_.insert(*event.pid);
}

void LaunchTrace::EndStart(TraceEvents& events, const TemplateEvent& event) {
  const auto found = starts_.find({std::string(event.name), event.layout});
  if (found == starts_.end()) return;
  Args args = Args::object();
  if (event.pid) args["template"] = *event.pid;
  if (!event.why.ok()) AddFailure(event.why, args);
  if (event.kind == TemplateEvent::Kind::kServing) ShowStart(events, event, found->second);
  EndOnLane(events, found->second, event.at, std::move(args));
  starts_.erase(found);
}

void LaunchTrace::OnTemplateEvent(const TemplateEvent& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  TraceEvents events;
  const std::string name = TemplateName(event.name, event.layout);
  // Nobody knows of one that died before its Hello where it was to be shown.
  const bool is_shown = event.pid && serving_.contains(*event.pid);
  switch (event.kind) {
    case TemplateEvent::Kind::kStarting:
      starts_[{std::string(event.name), event.layout}] =
          BeginOnLane(events, "start " + name, event.at, {{"start", event.starts}});
      break;
    case TemplateEvent::Kind::kServing:
      EndStart(events, event);
      break;
    case TemplateEvent::Kind::kDied:
      EndStart(events, event);
      if (is_shown) {
        Args args = Args::object();
        AddFailure(event.why, args);
        events.Instant(TraceRow::Of(*event.pid), "died", event.at, std::move(args));
      }
      break;
    case TemplateEvent::Kind::kGivenUp: {
      Args args = Args::object();
      AddFailure(event.why, args);
      events.Instant(RowOf(0), "safe mode: " + name, event.at, std::move(args));
      break;
    }
    case TemplateEvent::Kind::kEvicted:
      if (is_shown) events.Instant(TraceRow::Of(*event.pid), "evicted", event.at);
      break;
    case TemplateEvent::Kind::kEnding:
      EndStart(events, event);
      if (is_shown) events.Instant(TraceRow::Of(*event.pid), "asked to end", event.at);
      break;
  }
  Write(events);
}

}  // namespace forkserver
