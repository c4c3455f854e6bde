#include "tests/sandbox/run_unsandboxed.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "forkserver/host/process.h"
#include "tests/sandbox/end_of_attempt.h"
#include "transceiver/errno_status.h"

namespace forkserver::testing {
namespace {

constexpr char kProgram[] = "tests/sandbox/attempt_runner";

std::string_view BoundsArgument(Bounds bounds) {
  switch (bounds) {
    case Bounds::kNone:
      return "none";
    case Bounds::kNobody:
      return "nobody";
    case Bounds::kNoCalls:
      return "no-calls";
  }
  return "unknown bounds";
}

}  // namespace

absl::StatusOr<AttemptResult> RunUnsandboxed(std::string_view name, const HostTargets& host,
                                             Bounds bounds) {
  return RunUnsandboxed(name, host, host.targets(), bounds);
}

absl::StatusOr<AttemptResult> RunUnsandboxed(std::string_view name, const HostTargets& host,
                                             const AttemptTargets& targets, Bounds bounds) {
  // The program writes its result to stdout.
  const UniqueFd answer(memfd_create("result", MFD_CLOEXEC));
  if (!answer.is_open()) return ErrnoStatus(errno, "memfd_create");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, answer.get(), STDOUT_FILENO);
  // Copied above all numbers first: one that is given may lie where another one is to be.
  std::vector<UniqueFd> copies;
  for (const GivenDescriptor& given : host.descriptors()) {
    copies.emplace_back(fcntl(given.fd, F_DUPFD_CLOEXEC, 100));
    posix_spawn_file_actions_adddup2(&actions, copies.back().get(), given.number);
  }
  std::string program = kProgram;
  std::string attempt_name(name);
  std::string aim = EncodeTargets(targets);
  std::string within(BoundsArgument(bounds));
  char* const argv[] = {program.data(), attempt_name.data(), aim.data(), within.data(), nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, kProgram, &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(error, absl::StrCat("posix_spawn ", kProgram));
  absl::StatusOr<Process> process = Process::Adopt(pid);
  if (!process.ok()) return process.status();
  const absl::StatusOr<ExitStatus> status = process->Wait(absl::Minutes(1));
  if (!status.ok()) return status.status();

  AttemptResult result;
  const ssize_t size = pread(answer.get(), &result, sizeof(result), 0);
  if (size == sizeof(result) && status->success()) return result;
  return ResultOfEnd(*status, name);
}

}  // namespace forkserver::testing
