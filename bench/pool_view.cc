#include "bench/pool_view.h"

#include "bench/stopwatch.h"

namespace bench {
namespace {

// A pool stays empty for ten seconds after memory pressure, which rows with large heaps may bring.
constexpr double kPatienceSeconds = 30;

}  // namespace

IdleBlanks IdleBlanksOf(forkserver::ForkServer& server, std::string_view template_name) {
  return [&server, template_name] {
    for (forkserver::TemplateStatus& status : server.templates()) {
      if (status.name == template_name) return std::move(status.idle_blanks);
    }
    return std::vector<pid_t>();
  };
}

absl::StatusOr<pid_t> AwaitBlank(forkserver::ForkServer& server, const IdleBlanks& blanks) {
  const Stopwatch watch;
  for (;;) {
    if (const std::vector<pid_t> waiting = blanks(); !waiting.empty()) return waiting.front();
    if (watch.Seconds() > kPatienceSeconds) {
      return absl::DeadlineExceededError("the pool has no blank");
    }
    server.Dispatch(absl::Milliseconds(1));
  }
}

}  // namespace bench
