#include "tests/sandbox/attempts.h"

#include <unistd.h>

#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/sandbox/answers.h"
#include "transceiver/errno_status.h"

namespace forkserver::testing {
namespace {

static_assert(std::is_trivially_copyable_v<AttemptResult>);
static_assert(std::has_unique_object_representations_v<AttemptResult>, "no padding");

std::vector<Attempt> Collect() {
  std::vector<Attempt> all;
  for (const AttemptSubject& subject : AttemptSubjects()) {
    all.insert(all.end(), subject.attempts.begin(), subject.attempts.end());
  }
  return all;
}

std::string_view ProofName(Proof proof) {
  switch (proof) {
    case Proof::kEffect:
      return "effect";
    case Proof::kConsidered:
      return "considered";
    case Proof::kReplacesProgram:
      return "another program";
  }
  return "unknown proof";
}

}  // namespace

AttemptResult HoldsSecret(int fd, const AttemptTargets& targets) {
  char bytes[kSecretBytes] = {};
  if (read(fd, bytes, sizeof(bytes)) < 0) return Refused("read");
  return DoneIf(Secret(targets) == std::string_view(bytes, sizeof(bytes)), "another content");
}

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kElsewhere:
      return "elsewhere";
    case Outcome::kUnavailable:
      return "unavailable";
    case Outcome::kKilled:
      return "killed";
  }
  return "unknown outcome";
}

std::string ToString(const AttemptResult& result) {
  std::string text(OutcomeName(result.outcome));
  if (result.outcome == Outcome::kKilled) return absl::StrCat(text, " by signal ", result.error);
  if (result.step[0] != 0) absl::StrAppend(&text, ": ", result.step);
  if (result.error != 0) absl::StrAppend(&text, ": ", ErrnoName(result.error));
  return text;
}

std::span<const AttemptSubject> AttemptSubjects() {
  static const AttemptSubject subjects[] = {
      {"files", FileAttempts()},       {"changes to files", FileChangeAttempts()},
      {"/proc", ProcFileAttempts()},   {"mounts", MountAttempts()},
      {"sockets", SocketAttempts()},   {"processes", ProcessAttempts()},
      {"siblings", SiblingAttempts()}, {"memory", MemoryAttempts()},
      {"kernel", KernelAttempts()},    {"identity", IdentityAttempts()},
      {"IPC", IpcAttempts()},          {"floods", FloodAttempts()},
  };
  return subjects;
}

std::span<const Attempt> Attempts() {
  static const std::vector<Attempt>& all = *new std::vector<Attempt>(Collect());
  return all;
}

const Attempt* FindAttempt(std::string_view name) {
  for (const Attempt& attempt : Attempts()) {
    if (attempt.name == name) return &attempt;
  }
  return nullptr;
}

std::string AttemptsAsMarkdown() {
  std::string text;
  for (const AttemptSubject& subject : AttemptSubjects()) {
    absl::StrAppendFormat(&text, "%s## %s\n\n", text.empty() ? "" : "\n",
                          std::string(subject.name));
    absl::StrAppend(&text, "| attempt | what | needs | shows by |\n|---|---|---|---|\n");
    for (const Attempt& attempt : subject.attempts) {
      absl::StrAppendFormat(&text, "| `%s` | %s | %s | %s |\n", std::string(attempt.name),
                            std::string(attempt.what), attempt.needs == Needs::kRoot ? "root" : "",
                            std::string(ProofName(attempt.proof)));
    }
  }
  return text;
}

}  // namespace forkserver::testing
