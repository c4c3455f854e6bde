// Makes one attempt without a sandbox, and writes the AttemptResult to its stdout, as bytes:
//
//     attempt_runner NAME TARGETS [nobody]
//     attempt_runner --list                  prints all attempts as a table, for the docs
//
// Two names are no attempts: "die" kills the process, "say-nothing" ends it without a result.
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string_view>

#include "tests/sandbox/attempts.h"

namespace {

using forkserver::testing::Attempt;
using forkserver::testing::AttemptResult;
using forkserver::testing::AttemptTargets;

constexpr unsigned kNobody = 65534;

bool BecomeNobody() {
  return setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
         setresuid(kNobody, kNobody, kNobody) == 0;
}

bool HideMounts() {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

int Fail(const char* what) {
  fprintf(stderr, "attempt_runner: %s\n", what);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--list") {
    printf("%s", forkserver::testing::AttemptsAsMarkdown().c_str());
    return 0;
  }
  if (argc < 3) return Fail("NAME TARGETS [nobody]");
  const std::string_view name = argv[1];
  if (name == "die") raise(SIGKILL);
  if (name == "say-nothing") return 0;
  const Attempt* const attempt = forkserver::testing::FindAttempt(name);
  if (attempt == nullptr) return Fail("there is no attempt of that name");
  const std::optional<AttemptTargets> targets = forkserver::testing::DecodeTargets(argv[2]);
  if (!targets) return Fail("these are no targets");
  if (geteuid() == 0 && !HideMounts()) return Fail("no mount namespace of its own");
  if (argc > 3 && !BecomeNobody()) return Fail("cannot become nobody");

  const AttemptResult result = attempt->run(*targets);
  const bool written = write(STDOUT_FILENO, &result, sizeof(result)) == sizeof(result);
  // The attempt may have left the process in a state in which nothing but this call works.
  _exit(written ? 0 : 1);
}
