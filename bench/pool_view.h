// What the benchmark wants to know of a server's pool of blank children.
#ifndef BENCH_POOL_VIEW_H_
#define BENCH_POOL_VIEW_H_

#include <sys/types.h>

#include <functional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "forkserver/host/fork_server.h"

namespace bench {

// The pids of the blank children that wait for a Plan now. Empty: the server has no pool, and the
// rows of blanks are not there.
using IdleBlanks = std::function<std::vector<pid_t>()>;

// Of one template's pool.
IdleBlanks IdleBlanksOf(forkserver::ForkServer& server, std::string_view template_name);

// Drives the server until a blank waits; gives its pid. DeadlineExceeded after a while.
absl::StatusOr<pid_t> AwaitBlank(forkserver::ForkServer& server, const IdleBlanks& blanks);

// Whether a process waits for something: a blank that has done all that it can ahead. One that is
// still at it would be in the way of what is measured.
bool IsAsleep(pid_t pid);

}  // namespace bench

#endif  // BENCH_POOL_VIEW_H_
