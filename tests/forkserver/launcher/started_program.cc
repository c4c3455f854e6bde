#include "tests/forkserver/launcher/started_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

constexpr int kPatienceMillis = 30'000;

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

enum class Came : uint8_t { kBytes, kEnd, kNothing };

Came ReadSome(int fd, std::string& text) {
  pollfd readable = {.fd = fd, .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, kPatienceMillis) != 1) return Came::kNothing;
  char bytes[4096];
  const ssize_t size = read(fd, bytes, sizeof(bytes));
  if (size <= 0) return Came::kEnd;
  text.append(bytes, static_cast<size_t>(size));
  return Came::kBytes;
}

std::string TakeRest(int fd, std::string& unread) {
  Came came;
  while ((came = ReadSome(fd, unread)) == Came::kBytes) {
  }
  std::string rest = std::exchange(unread, {});
  return came == Came::kEnd ? rest : rest + "(no end)";
}

std::string TakeLine(int fd, std::string& unread) {
  size_t end;
  while ((end = unread.find('\n')) == std::string::npos) {
    if (ReadSome(fd, unread) != Came::kBytes) return "(nothing)";
  }
  std::string line = unread.substr(0, end);
  unread.erase(0, end + 1);
  return line;
}

}  // namespace

StartedProgram::StartedProgram(const StartedProgramOptions& options) {
  int output[2];
  int errors[2];
  if (pipe2(output, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) abort();
  output_.reset(output[0]);
  errors_.reset(errors[0]);
  if (options.has_no_reader_of_errors) errors_.reset();
  const UniqueFd their_output(output[1]);
  const UniqueFd their_errors(errors[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  if (options.terminal.empty()) {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, their_output.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, their_errors.get(), STDERR_FILENO);
    for (const int number : options.closed) {
      posix_spawn_file_actions_addclose(&actions, number);
    }
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  } else {
    // The first terminal that the leader of a session opens is its own.
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, options.terminal.c_str(), O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  }
  const std::vector<std::string> environment = VictimEnvironment(options.added_environment);
  if (posix_spawnp(&pid_, options.argv[0].c_str(), &actions, &attributes,
                   Pointers(options.argv).data(), Pointers(environment).data()) != 0) {
    abort();
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
}

StartedProgram::~StartedProgram() {
  if (is_reaped_) return;
  kill(-pid_, SIGKILL);
  Wait();
}

std::string StartedProgram::ReadLine() { return TakeLine(output_.get(), unread_); }

std::string StartedProgram::ReadErrorLine() { return TakeLine(errors_.get(), unread_errors_); }

pid_t StartedProgram::AwaitReady() {
  const std::string line = ReadLine();
  // Never a number that would signal a whole group.
  if (!line.starts_with("ready ")) abort();
  return atoi(line.c_str() + 6);
}

std::string StartedProgram::ReadRest() { return TakeRest(output_.get(), unread_); }

std::string StartedProgram::ReadErrors() { return TakeRest(errors_.get(), unread_errors_); }

int StartedProgram::Wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  is_reaped_ = true;
  return status;
}

bool EndsWithinHalfAMinute(int pidfd) {
  pollfd ended = {.fd = pidfd, .events = POLLIN, .revents = 0};
  return poll(&ended, 1, kPatienceMillis) == 1;
}

char StateOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const size_t end = text.rfind(')');
  return end == std::string::npos ? '\0' : text[end + 2];
}

std::string Describe(int status) {
  if (WIFEXITED(status)) return "exited with " + std::to_string(WEXITSTATUS(status));
  return "killed by " + std::to_string(WTERMSIG(status)) + (WCOREDUMP(status) ? " and dumped" : "");
}

}  // namespace forkserver::testing
