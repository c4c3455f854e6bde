// What a sandboxed process might attempt against the machine, its host and its siblings: the list
// that every sandbox policy is tried against.
//
//     for (const Attempt& attempt : Attempts()) {
//       const AttemptResult result = attempt.run(targets);    // in a process of its own
//       EXPECT_EQ(result.outcome, Expected(policy, attempt.name)) << ToString(result);
//     }
//
// Each does with system calls or libc what its sentence says, and answers kDone only where that
// really came about: bytes that were read are compared, code that was written is called. Without a
// sandbox, as root, each of them is done (attempts_unsandboxed_test), so that a missing file or a
// wrong argument cannot pass for a refusal. An attempt makes no more calls that a filter might
// answer than those that it is about: what else it needs, the host has prepared (targets.h).
//
// None damages the machine. What would is attempted with arguments that cannot take effect; such
// an attempt (Proof::kConsidered) is done where the kernel looked at them, past its check of
// capabilities, and its sentence says by which errno that shows.
//
// An attempt runs in a process of its own, single-threaded, that ends after it: it may leave
// namespaces, identities, filters and descriptors changed there. It may end that process too: by a
// filter's kill, or by an exec (Proof::kReplacesProgram). It allocates, so it runs after Ready, not
// before. Nothing here is thread-safe or needs to be.
#ifndef TESTS_SANDBOX_ATTEMPTS_H_
#define TESTS_SANDBOX_ATTEMPTS_H_

#include <stdint.h>

#include <span>
#include <string>
#include <string_view>

#include "tests/sandbox/attempt_targets.h"

namespace forkserver::testing {

// What came of an attempt.
enum class Outcome : uint8_t {
  kDone,         // it worked
  kRefused,      // a call failed: `error`
  kElsewhere,    // the calls worked, on something else than what was meant: an empty root, another
                 // namespace's name
  kUnavailable,  // this machine has not got it; in a sandbox, the refusal may look the same
  kKilled,       // by the signal `error`; said by whoever waits for the process, not by `run`
};
constexpr Outcome LastValue(Outcome) { return Outcome::kKilled; }

std::string_view OutcomeName(Outcome outcome);  // "done"

// Trivially copyable and without padding: it crosses sockets as its bytes.
struct AttemptResult {
  Outcome outcome = Outcome::kElsewhere;
  uint8_t unused[3] = {};
  int32_t error = 0;
  // The call that decided, or the reason: "openat", "nothing at 0". Ends with a zero.
  char step[56] = {};
};

// "refused: openat: EACCES"
std::string ToString(const AttemptResult& result);

// What has to be so for the attempt to work without a sandbox.
enum class Needs : uint8_t {
  kNothing,  // the user that the host is
  kRoot,     // the host is root; another user is refused
};

enum class Proof : uint8_t {
  kEffect,
  kConsidered,
  // Where it works, the process becomes another program, which ends with kExitOfReplacement.
  kReplacesProgram,
};

inline constexpr int kExitOfReplacement = 113;

struct Attempt {
  std::string_view name;  // "read-secret-file"
  std::string_view what;  // one sentence, for the docs
  AttemptResult (*run)(const AttemptTargets& targets);
  Needs needs = Needs::kNothing;
  Proof proof = Proof::kEffect;
};

// All of them, in the order of their subjects.
std::span<const Attempt> Attempts();

// The same by subject, where a policy's answers are alike.
struct AttemptSubject {
  std::string_view name;  // "files"
  std::span<const Attempt> attempts;
};
std::span<const AttemptSubject> AttemptSubjects();

// Null: there is none of that name.
const Attempt* FindAttempt(std::string_view name);

// A table in Markdown for each subject: name, what is attempted, what it needs, how it shows.
std::string AttemptsAsMarkdown();

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_ATTEMPTS_H_
