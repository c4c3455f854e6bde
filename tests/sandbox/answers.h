// The words in which attempts answer:
//
//     const int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
//     if (fd < 0) return Refused("open");
//     return holds ? Done() : Elsewhere("no line of root's");
//
// For the sources of attempts only; the subjects of attempts are listed at the end.
#ifndef TESTS_SANDBOX_ANSWERS_H_
#define TESTS_SANDBOX_ANSWERS_H_

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "tests/sandbox/attempts.h"

namespace forkserver::testing {

inline AttemptResult Answer(Outcome outcome, std::string_view step, int error) {
  AttemptResult result = {.outcome = outcome, .error = error};
  memcpy(result.step, step.data(), std::min(step.size(), sizeof(result.step) - 1));
  return result;
}

inline AttemptResult Done() { return Answer(Outcome::kDone, "", 0); }
inline AttemptResult Refused(std::string_view call) {
  return Answer(Outcome::kRefused, call, errno);
}
inline AttemptResult Elsewhere(std::string_view what) {
  return Answer(Outcome::kElsewhere, what, 0);
}
inline AttemptResult Unavailable(std::string_view why, int error) {
  return Answer(Outcome::kUnavailable, why, error);
}

inline AttemptResult DoneIf(bool reached, std::string_view otherwise) {
  return reached ? Done() : Elsewhere(otherwise);
}

// Of a call that returns a negative number and sets errno where it fails.
inline AttemptResult AnswerOf(std::string_view call, long returned) {
  return returned < 0 ? Refused(call) : Done();
}

// Of a call whose arguments cannot take effect: `error` is what the kernel says of them when it has
// looked at them.
inline AttemptResult ConsideredIf(std::string_view call, long returned, int error) {
  return returned >= 0 || errno == error ? Done() : Refused(call);
}

inline std::string_view Secret(const AttemptTargets& targets) {
  return {targets.secret, kSecretBytes};
}

// "scratch/prey" in the host's directory.
inline std::string PathOf(const AttemptTargets& targets, std::string_view name) {
  return std::string(targets.directory) + "/" + std::string(name);
}

// Of an open descriptor, which is read from where it stands: whether it begins with the secret.
AttemptResult HoldsSecret(int fd, const AttemptTargets& targets);

std::span<const Attempt> FileAttempts();
std::span<const Attempt> FileChangeAttempts();
std::span<const Attempt> ProcFileAttempts();
std::span<const Attempt> MountAttempts();
std::span<const Attempt> SocketAttempts();
std::span<const Attempt> ProcessAttempts();
std::span<const Attempt> SiblingAttempts();
std::span<const Attempt> MemoryAttempts();
std::span<const Attempt> KernelAttempts();
std::span<const Attempt> IdentityAttempts();
std::span<const Attempt> IpcAttempts();
std::span<const Attempt> FloodAttempts();

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_ANSWERS_H_
