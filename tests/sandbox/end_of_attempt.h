// What the end of a process says of an attempt that sent no result.
#ifndef TESTS_SANDBOX_END_OF_ATTEMPT_H_
#define TESTS_SANDBOX_END_OF_ATTEMPT_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "forkserver/host/process.h"
#include "tests/sandbox/attempts.h"

namespace forkserver::testing {

// Killed, or done by another program in its place. Fails for an end that says neither.
absl::StatusOr<AttemptResult> ResultOfEnd(const ExitStatus& status, std::string_view name);

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_END_OF_ATTEMPT_H_
