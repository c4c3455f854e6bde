// Turns a policy's system calls into a seccomp filter:
//
//     const auto filter = CompileFilter(policy.calls, FilterKind::kWithListener);  // if ok()
//     const sock_fprog program = {.len = static_cast<unsigned short>(filter->size()),
//                                 .filter = filter->data()};
//     syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
//
// Whatever its kind, a filter ends a process that calls the kernel as another architecture would
// (int 0x80, x32): the same numbers mean other calls there. And the kernel takes the strictest
// answer of all filters of a process, so a later one can only take away.
//
// libseccomp makes it, as a binary tree over the numbers of the calls. It keeps one answer for
// calls whose conditions are not met, and policies have several, so this compiles one tree for each
// such answer and links them.
//
// What it costs, x86-64 and optimized, on two busy processors: the largest of the policies has 490
// instructions with a listener and 785 alone. Compiling mostly takes 1 to 2.5 ms, attaching 0.12 to
// 0.25 ms, once in a template; to inherit it costs nothing. (FORKSERVER_VERBOSE=1 has
// tests/child/sandbox:filtered_process_test print each.)
//
// Allocates, and opens a memfd for a moment: before the fork. Not for two threads at once, since
// libseccomp keeps what it knows of the kernel in global variables. What comes out is plain memory,
// good in every process that is forked afterwards.
//
// Errors name the call: "seccomp_rule_add fcntl: EINVAL". INVALID_ARGUMENT: conditions that nothing
// meets, or that libseccomp cannot express (a comparison and a mask on one argument).
// RESOURCE_EXHAUSTED: more instructions than the kernel takes.
#ifndef CHILD_SANDBOX_COMPILE_FILTER_H_
#define CHILD_SANDBOX_COMPILE_FILTER_H_

#include <linux/filter.h>
#include <stdint.h>

#include <vector>

#include "absl/status/statusor.h"
#include "child/sandbox/system_calls.h"

namespace forkserver {

enum class FilterKind : uint8_t {
  // Each call that is not allowed goes to the listener, who answers as AnswerTo says; but for what
  // is refused without telling the host. Without one
  // (it was closed, or the filter was attached without) the kernel answers ENOSYS to all of them.
  kWithListener,
  // The kernel answers by itself. What would be asked of the broker is EACCES.
  kAlone,
  // For a process that has a filter with a listener already: it cannot have a second one (EBUSY).
  // As kAlone, but what would be asked is let through, since the outer filter asks.
  kBelowListener,
};

absl::StatusOr<std::vector<sock_filter>> CompileFilter(const SystemCalls& calls, FilterKind kind);

}  // namespace forkserver

#endif  // CHILD_SANDBOX_COMPILE_FILTER_H_
