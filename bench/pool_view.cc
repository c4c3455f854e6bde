#include "bench/pool_view.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "absl/strings/str_format.h"
#include "bench/stopwatch.h"
#include "transceiver/unique_fd.h"

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

bool IsAsleep(pid_t pid) {
  char text[256] = {};
  const forkserver::UniqueFd file(
      open(absl::StrFormat("/proc/%d/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open() || read(file.get(), text, sizeof(text) - 1) <= 0) return false;
  // proc(5): the state follows the name, which is in parentheses.
  const char* const name_end = strrchr(text, ')');
  return name_end != nullptr && name_end[1] == ' ' && name_end[2] == 'S';
}

}  // namespace bench
