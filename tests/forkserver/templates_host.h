// The host of the tests of templates: what it starts, and what they ask of it.
//
//     root > page > article > comment; content comes from page
//
// A test's name says what is different in its host: a warm-up that waits AtTheGate, one that fails,
// a template that is EvictedWhenIdle, a restart that is BackedOff.
#ifndef TESTS_FORKSERVER_TEMPLATES_HOST_H_
#define TESTS_FORKSERVER_TEMPLATES_HOST_H_

#include <stddef.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/host/fork_server.h"
#include "tests/testing/gate.h"

namespace forkserver::testing {

// Where warm-ups wait.
extern Gate* gate;

// After which templates are evicted, where they are.
inline constexpr absl::Duration kSoon = absl::Milliseconds(40);

// From the template, or not at all. "warmth" is answered with what the template and those above it
// have built.
LaunchOptions From(std::string_view template_name, std::vector<std::string> argv);
// As launches are if nobody chooses.
LaunchOptions Any(std::string_view template_name, std::vector<std::string> argv);

// What a child found built, or how its launch failed.
std::string WarmthOf(ForkServer& server, const LaunchOptions& options);
// The child answers: it lives, and its channel is whole.
bool Echoes(const LaunchedChild& child);

TemplateStatus::State StateOf(const ForkServer& server, std::string_view name);
// It has a pid, which is its parent's word: it need not have said Hello.
bool ComesToBeForked(ForkServer& server, std::string_view name);
// Without being asked to: its Hello may be later than the Ready of the first child below it.
bool ComesToServe(ForkServer& server, std::string_view name);
bool ComesToBeDead(ForkServer& server, std::string_view name);
// Its pid. Nothing: it does not serve.
std::optional<pid_t> StopOnceItServes(ForkServer& server, std::string_view name);
// It has a process, which is killed and comes to be dead.
bool Kill(ForkServer& server, std::string_view name);
bool ComesToBeEvicted(ForkServer& server, std::string_view name);

// What became of launches that nobody waits for one by one.
struct Outcome {
  size_t ended = 0;
  size_t good = 0;
  absl::Status last_error;

  LaunchCallback Count() {
    return [this](absl::StatusOr<LaunchedChild> child) {
      ++ended;
      if (!child.ok()) {
        last_error = child.status();
      } else if (child->process.Wait()->success()) {
        ++good;
      }
    };
  }
};

void LaunchMany(ForkServer& server, const LaunchOptions& options, size_t count, Outcome& outcome);

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_TEMPLATES_HOST_H_
