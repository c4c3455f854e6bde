#include "bench/start_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/bench_program.h"
#include "bench/stopwatch.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/host/process.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace bench {
namespace {

using forkserver::ErrnoStatus;
using forkserver::Process;
using forkserver::UniqueFd;

constexpr char kStartedHostFlag[] = "--started-host";

std::string ThisProgram() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

std::string Launcher() {
  const std::filesystem::path folder = std::filesystem::path(ThisProgram()).parent_path();
  return (folder.parent_path() / "forkserver/launcher/launcher").string();
}

// From the spawn to the host's first byte, which it sends when Start has returned.
absl::StatusOr<double> FirstSignOfLife(const std::vector<std::string>& argv) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe2");
  const UniqueFd ours(ends[0]);
  UniqueFd hosts(ends[1]);
  std::vector<char*> pointers;
  for (const std::string& text : argv) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, hosts.get(), STDOUT_FILENO);
  pid_t pid = -1;
  const Stopwatch watch;
  const int error = posix_spawn(&pid, argv[0].c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(error, "posix_spawn " + argv[0]);
  absl::StatusOr<Process> process = Process::Adopt(pid);
  if (!process.ok()) return process.status();
  hosts.reset();
  char byte;
  const ssize_t size = read(ours.get(), &byte, sizeof(byte));
  const double micros = watch.Micros();
  if (size != sizeof(byte)) return absl::AbortedError(argv[0] + ": ended before its first byte");
  if (const auto status = process->Wait(); !status.ok()) return status.status();
  return micros;
}

}  // namespace

std::vector<Row> StartRows() {
  const std::vector<std::string> direct = {ThisProgram(), kStartedHostFlag};
  std::vector<std::string> launched = {Launcher(), "--"};
  launched.insert(launched.end(), direct.begin(), direct.end());
  return {{.name = "direct_start",
           .unit = "us",
           .what = "spawn of a host, to its first byte after ForkServer::Start",
           .sample = [direct] { return FirstSignOfLife(direct); },
           .group = Group::kStart},
          {.name = "launcher_start",
           .baseline = "direct_start",
           .unit = "us",
           .what = "the same host started through the launcher",
           .sample = [launched] { return FirstSignOfLife(launched); },
           .group = Group::kStart,
           .prepare = []() -> absl::Status {
             const std::string launcher = Launcher();
             if (access(launcher.c_str(), X_OK) == 0) return absl::OkStatus();
             return absl::UnavailableError(absl::StrCat("no program ", launcher));
           }}};
}

std::optional<int> RunIfStartedHost(int argc, char** argv) {
  // In what its fork server exec's the flag is not there, and Start does not return.
  if (argc != 2 || strcmp(argv[1], kStartedHostFlag) != 0) return std::nullopt;
  const auto server = forkserver::ForkServer::Start(argc, argv, {.programs = BenchPrograms()});
  if (!server.ok()) return 1;
  const char byte = 1;
  return write(STDOUT_FILENO, &byte, sizeof(byte)) == sizeof(byte) ? 0 : 1;
}

}  // namespace bench
