// From a URL to a content process that has answered: what a browser's user waits for.
//
//     absl::StatusOr<std::unique_ptr<Navigator>> navigator = Navigator::Create(server);
//     absl::StatusOr<double> micros = (*navigator)->FromPool();
//
// The process model whole: remote type and process selected, launched sandboxed, its top-level
// actor open, a browser opened in it, one message sent and answered. The process is ended, and
// reaped, outside of the times.
#ifndef BENCH_NAVIGATE_H_
#define BENCH_NAVIGATE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "child/child_program.h"
#include "forkserver/host/fork_server.h"

namespace bench {

// Of type content, and with its templates.
forkserver::StartOptions NavigationHost();

class Navigator {
 public:
  // `server` was started with NavigationHost, and is borrowed. Waits for the content template.
  static absl::StatusOr<std::unique_ptr<Navigator>> Create(forkserver::ForkServer& server);
  Navigator(const Navigator&) = delete;
  Navigator& operator=(const Navigator&) = delete;
  ~Navigator();

  // Microseconds, each of one navigation: to a preallocated process, which is waited for before;
  // and to one that is forked for it.
  absl::StatusOr<double> FromPool();
  absl::StatusOr<double> Forked();

 private:
  struct Model;

  explicit Navigator(std::unique_ptr<Model> model);
  absl::StatusOr<double> Navigate();

  std::unique_ptr<Model> model_;
};

}  // namespace bench

#endif  // BENCH_NAVIGATE_H_
