#include "bench/sandbox_rows.h"

#include <string>
#include <utility>

#include "bench/launch_once.h"

namespace bench {
namespace {

using forkserver::ForkServer;
using forkserver::LaunchedChild;
using forkserver::LaunchOptions;
using forkserver::LaunchWay;

LaunchOptions From(std::string_view template_name, LaunchOptions options) {
  options.template_name = std::string(template_name);
  return options;
}

}  // namespace

std::vector<forkserver::TemplateOptions> SandboxedTemplates() {
  return {{.name = std::string(kSandboxedTemplate),
           .sandbox = {.policy = forkserver::SandboxPolicyId::kContent,
                       .required = forkserver::kAllSandboxLayers}}};
}

SandboxRows::SandboxRows(ForkServer& server, const RealisticPlan& plan)
    : server_(server), plan_(plan), idle_blanks_(IdleBlanksOf(server, kSandboxedTemplate)) {}

absl::StatusOr<double> SandboxRows::PooledReady() {
  LaunchOptions options = From(kSandboxedTemplate, plan_.Exit());
  options.way = LaunchWay::kTemplate;
  if (idle_blanks_().empty()) {
    // The first launch that may take a blank is what has the pool filled.
    if (auto first = LaunchReady(server_, options); !first.ok()) return first;
  }
  if (auto blank = AwaitBlank(server_, idle_blanks_); !blank.ok()) return blank.status();
  return LaunchReady(server_, options);
}

absl::StatusOr<double> SandboxRows::TimeInside(std::unique_ptr<LaunchedChild>& child,
                                               std::string_view template_name,
                                               std::string_view what) {
  if (child == nullptr) {
    absl::StatusOr<LaunchedChild> launched = server_.Launch(From(template_name, plan_.Time()));
    if (!launched.ok()) return launched.status();
    child = std::make_unique<LaunchedChild>(*std::move(launched));
  }
  return AskTimingChild(child->socket.get(), what);
}

// A machine that refuses a layer has none of these rows.
absl::Status SandboxRows::Prepare() {
  const auto hello = server_.WaitUntilServing(kSandboxedTemplate);
  return hello.ok() ? absl::OkStatus() : absl::UnavailableError(hello.status().message());
}

std::vector<Row> SandboxRows::Rows() {
  std::vector<Row> rows = {
      {"sandboxed_pooled_ready", "pooled_ready", "us", "pooled_ready in a sandbox of all layers",
       [this] { return PooledReady(); }, Group::kPool},
      {"sandboxed_ready", "launch_ready", "us", "launch_ready in a sandbox of all layers",
       [this] { return LaunchReady(server_, From(kSandboxedTemplate, plan_.Exit())); }},
      {"naive_sandboxed_ready", "launch_ready", "us",
       "the same layers, all built in the child, with libseccomp",
       [this] { return LaunchFirstByte(server_, plan_.SandboxItself()); }, Group::kLaunch, 4},
      {"plain_open", "", "us", "open of /dev/null in a child",
       [this] { return TimeInside(plain_, forkserver::kRootTemplate, kTimedOpen); }, Group::kCall},
      {"broker_open", "plain_open", "us", "the same in a sandbox, answered by the broker",
       [this] { return TimeInside(sandboxed_, kSandboxedTemplate, kTimedOpen); }, Group::kCall},
      {"plain_syscall", "", "us", "getppid in a child",
       [this] { return TimeInside(plain_, forkserver::kRootTemplate, kTimedCall); }, Group::kCall},
      {"syscall_in_sandbox", "plain_syscall", "us", "the same under the filter",
       [this] { return TimeInside(sandboxed_, kSandboxedTemplate, kTimedCall); }, Group::kCall},
  };
  for (Row& row : rows) row.prepare = [this] { return Prepare(); };
  return rows;
}

}  // namespace bench
