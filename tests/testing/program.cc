#include "tests/testing/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sstream>

#include "forkserver/host/process.h"

namespace forkserver::testing {
namespace {

std::string ReadAll(int fd) {
  std::string text;
  char chunk[4096];
  lseek(fd, 0, SEEK_SET);
  for (ssize_t size; (size = read(fd, chunk, sizeof(chunk))) > 0;) {
    text.append(chunk, static_cast<size_t>(size));
  }
  return text;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ProgramResult RunProgram(const Program& program) {
  const UniqueFd output(memfd_create("output", MFD_CLOEXEC));
  const UniqueFd errors(memfd_create("errors", MFD_CLOEXEC));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.get(), STDERR_FILENO);
  const std::vector<char*> argv = Pointers(program.argv);
  const std::vector<char*> environment =
      program.environment ? Pointers(*program.environment) : std::vector<char*>();
  const std::string path = program.path.empty() ? program.argv[0] : program.path;
  pid_t pid = -1;
  const int error = posix_spawn(&pid, path.c_str(), &actions, nullptr, argv.data(),
                                program.environment ? environment.data() : environ);
  posix_spawn_file_actions_destroy(&actions);
  ProgramResult result;
  if (error != 0) {
    result.how = "posix_spawn " + path + ": " + strerror(error);
    return result;
  }
  absl::StatusOr<Process> process = Process::Adopt(pid);
  if (!process.ok()) {
    result.how = std::string(process.status().message());
    return result;
  }
  const absl::StatusOr<ExitStatus> status = process->Wait(program.patience);
  result.how = status.ok() ? status->ToString() : std::string(status.status().message());
  if (status.ok() && status->kind == ExitStatus::Kind::kExited) result.exit_code = status->code;
  result.output = ReadAll(output.get());
  result.errors = ReadAll(errors.get());
  return result;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> VictimEnvironment(const std::vector<std::string>& added) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with("XML_OUTPUT_FILE=") || text.starts_with("TEST_") ||
        text.starts_with("TESTBRIDGE_") || text.starts_with("GTEST_")) {
      continue;
    }
    environment.emplace_back(text);
  }
  environment.insert(environment.end(), added.begin(), added.end());
  return environment;
}

}  // namespace forkserver::testing
