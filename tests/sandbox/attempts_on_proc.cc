// What /proc tells and lets change.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

std::string OfSibling(const AttemptTargets& targets, std::string_view file) {
  return "/proc/" + std::to_string(targets.sibling_pid) + "/" + std::string(file);
}

// Whether the file holds these bytes among its first 4 MiB: a sanitizer's maps are long.
AttemptResult FindsIn(const std::string& path, std::string_view wanted) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return Refused("openat");
  std::string text;
  char chunk[65536];
  while (text.size() < (4 << 20) && text.find(wanted) == text.npos) {
    const ssize_t size = read(file.get(), chunk, sizeof(chunk));
    if (size < 0) return Refused("read");
    if (size == 0) break;
    text.append(chunk, static_cast<size_t>(size));
  }
  return DoneIf(text.find(wanted) != text.npos, "another content");
}

AttemptResult ReadStatusOfInit(const AttemptTargets&) {
  return FindsIn("/proc/1/status", "\nPPid:\t0\n");
}

AttemptResult ReadStatusOfHost(const AttemptTargets& targets) {
  return FindsIn("/proc/" + std::to_string(targets.host_pid) + "/status",
                 "\nPid:\t" + std::to_string(targets.host_pid) + "\n");
}

AttemptResult ReadEnvironment(const AttemptTargets& targets) {
  return FindsIn(OfSibling(targets, "environ"), Secret(targets));
}

AttemptResult ReadMaps(const AttemptTargets& targets) {
  return FindsIn(OfSibling(targets, "maps"), "[stack]");
}

AttemptResult ReadMemory(const AttemptTargets& targets) {
  const UniqueFd memory(open(OfSibling(targets, "mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!memory.is_open()) return Refused("openat");
  char bytes[kSecretBytes] = {};
  const off_t at = static_cast<off_t>(targets.sibling_secret);
  if (pread(memory.get(), bytes, sizeof(bytes), at) < 0) return Refused("pread");
  return DoneIf(Secret(targets) == std::string_view(bytes, sizeof(bytes)), "another content");
}

AttemptResult OpenDescriptorOfSibling(const AttemptTargets& targets) {
  const std::string path = OfSibling(targets, "fd/" + std::to_string(targets.sibling_secret_fd));
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return Refused("openat");
  return HoldsSecret(file.get(), targets);
}

AttemptResult ReachRootOfHost(const AttemptTargets& targets) {
  const std::string path =
      "/proc/" + std::to_string(targets.host_pid) + "/root" + PathOf(targets, "secret");
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return Refused("openat");
  return HoldsSecret(file.get(), targets);
}

// Its only thread's directory, whose number is another one in the host's /proc than its own pid.
// Empty where the list of threads is not to be had; errno says why.
std::string OwnThread() {
  const std::unique_ptr<DIR, int (*)(DIR*)> threads(opendir("/proc/self/task"), closedir);
  if (threads == nullptr) return {};
  while (const dirent* const entry = readdir(threads.get())) {
    if (entry->d_name[0] != '.') return std::string("/proc/self/task/") + entry->d_name;
  }
  return {};
}

AttemptResult ReachOwnRootByThread(const AttemptTargets& targets) {
  const std::string thread = OwnThread();
  if (thread.empty()) return Refused("opendir");
  return FindsIn(thread + "/root" + PathOf(targets, "secret"), Secret(targets));
}

AttemptResult LeaveGivenByThread(const AttemptTargets& targets) {
  const std::string thread = OwnThread();
  if (thread.empty()) return Refused("opendir");
  return FindsIn(thread + "/fd/" + std::to_string(targets.directory_fd) + "/../secret",
                 Secret(targets));
}

// What is mapped read-only changes: /proc/self/mem minds no protection.
AttemptResult WriteOwnMemory(const AttemptTargets&) {
  void* const page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return Refused("mmap");
  const UniqueFd memory(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
  if (!memory.is_open()) return Refused("openat");
  if (pwrite(memory.get(), "x", 1, static_cast<off_t>(reinterpret_cast<uintptr_t>(page))) < 0) {
    return Refused("pwrite");
  }
  return DoneIf(*static_cast<volatile char*>(page) == 'x', "nothing was written");
}

AttemptResult ChangeCorePattern(const AttemptTargets&) {
  const UniqueFd file(open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC));
  return AnswerOf("openat", file.get());
}

AttemptResult SpareItselfFromTheOomKiller(const AttemptTargets&) {
  const UniqueFd file(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return Refused("openat");
  return AnswerOf("write", write(file.get(), "1", 1));
}

AttemptResult ReadOwnMaps(const AttemptTargets&) { return FindsIn("/proc/self/maps", "[stack]"); }

AttemptResult FindPortIn(const std::string& path, const AttemptTargets& targets) {
  char port[8];
  snprintf(port, sizeof(port), ":%04X ", targets.tcp_port);
  return FindsIn(path, port);
}

AttemptResult ReadConnections(const AttemptTargets& targets) {
  return FindPortIn("/proc/self/net/tcp", targets);
}

AttemptResult ReadConnectionsByThread(const AttemptTargets& targets) {
  const std::string thread = OwnThread();
  return thread.empty() ? Refused("opendir") : FindPortIn(thread + "/net/tcp", targets);
}

AttemptResult ReadMounts(const AttemptTargets&) { return FindsIn("/proc/self/mountinfo", " / rw"); }

AttemptResult ReadKernelSymbols(const AttemptTargets&) {
  return FindsIn("/proc/kallsyms", "\nffffffff");
}

constexpr Attempt kAttempts[] = {
    {"read-init-status", "Reads /proc/1/status of the machine's first process.", ReadStatusOfInit},
    {"read-host-status", "Reads the host's /proc/PID/status.", ReadStatusOfHost},
    {"read-sibling-environ", "Reads a secret in its sibling's environment.", ReadEnvironment},
    {"read-sibling-maps", "Reads where its sibling's memory lies.", ReadMaps},
    {"read-sibling-mem", "Reads a secret through its sibling's /proc/PID/mem.", ReadMemory},
    {"open-sibling-fd", "Opens a memfd of its sibling's in /proc/PID/fd.", OpenDescriptorOfSibling},
    {"read-through-host-root", "Reads a file of the host's through the host's /proc/PID/root.",
     ReachRootOfHost},
    {"read-through-task-root", "Reads a file of the host's through /proc/self/task/TID/root.",
     ReachOwnRootByThread},
    {"leave-given-directory-by-task", "Opens `/proc/self/task/TID/fd/N/../secret`.",
     LeaveGivenByThread},
    {"write-own-mem", "Writes to read-only memory of its own through /proc/self/mem.",
     WriteOwnMemory},
    {"open-core-pattern",
     "Opens /proc/sys/kernel/core_pattern for writing; nothing is written to it.",
     ChangeCorePattern, Needs::kRoot},
    {"write-oom-score", "Changes its own /proc/self/oom_score_adj.", SpareItselfFromTheOomKiller},
    {"read-own-maps", "Reads where its own memory lies: harmless.", ReadOwnMaps},
    {"read-proc-net-tcp", "Finds the host's listening port in /proc/self/net/tcp.",
     ReadConnections},
    {"read-task-net-tcp", "The same in its own thread's directory, /proc/self/task/TID/net/tcp.",
     ReadConnectionsByThread},
    {"read-mountinfo", "Reads what is mounted.", ReadMounts},
    {"read-kallsyms", "Reads addresses of the kernel in /proc/kallsyms.", ReadKernelSymbols,
     Needs::kRoot},
};

}  // namespace

std::span<const Attempt> ProcFileAttempts() { return kAttempts; }

}  // namespace forkserver::testing
