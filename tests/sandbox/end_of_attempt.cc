#include "tests/sandbox/end_of_attempt.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/sandbox/answers.h"

namespace forkserver::testing {

absl::StatusOr<AttemptResult> ResultOfEnd(const ExitStatus& status, std::string_view name) {
  if (status.kind == ExitStatus::Kind::kKilled) {
    return Answer(Outcome::kKilled, "", status.code);
  }
  const Attempt* const attempt = FindAttempt(name);
  if (attempt != nullptr && attempt->proof == Proof::kReplacesProgram &&
      status.code == kExitOfReplacement) {
    return Done();
  }
  return absl::InternalError(
      absl::StrCat(std::string(name), " sent no result and ", status.ToString()));
}

}  // namespace forkserver::testing
