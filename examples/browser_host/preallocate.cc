#include "examples/browser_host/preallocate.h"

#include <stddef.h>
#include <stdint.h>

#include "forkserver/host/fork_server.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

constexpr char kTemplate[] = "content";

size_t WaitingBlanks(const forkserver::ForkServer& server) {
  size_t waiting = 0;
  for (const forkserver::TemplateStatus& one : server.templates()) {
    if (one.name == kTemplate) waiting += one.idle_blanks.size();
  }
  return waiting;
}

}  // namespace

absl::Status Preallocate(forkserver::ParentProcess& parent,
                         forkserver::Preallocation& preallocation) {
  if (absl::Status applied = preallocation.Apply(); !applied.ok()) return applied;
  if (parent.prefs().launch_by == forkserver::LaunchBy::kExec) return absl::OkStatus();
  forkserver::ForkServer& server = parent.server();
  if (!server.safe_mode().ok()) return absl::OkStatus();  // there will be none
  // One that dies before it serves is started again like any other, and until then its launches are
  // by exec: whoever waits for them hears of what cannot be mended.
  if (!server.WaitUntilServing(kTemplate).ok()) return absl::OkStatus();
  const auto wanted = static_cast<size_t>(preallocation.count());
  const int64_t deadline = forkserver::NowNanos() + forkserver::kNanosPerSecond;
  for (int64_t now; WaitingBlanks(server) < wanted && (now = forkserver::NowNanos()) < deadline;) {
    server.Dispatch(absl::Nanoseconds(deadline - now));
  }
  return absl::OkStatus();
}

}  // namespace browser_host
