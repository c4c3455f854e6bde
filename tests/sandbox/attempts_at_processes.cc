// To make processes, and to become another program. New processes end at once and are reaped.
#include <elf.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

constexpr int kExitOfChild = 5;

AttemptResult Reap(std::string_view call, long pid) {
  if (pid < 0) return Refused(call);
  int status = 0;
  if (waitpid(static_cast<pid_t>(pid), &status, __WALL) != pid) return Refused("wait4");
  return DoneIf(WIFEXITED(status) && WEXITSTATUS(status) == kExitOfChild, "the child's end");
}

// A child that shares nothing, as fork's: `flags` are namespaces.
template <unsigned long flags>
AttemptResult Clone(const AttemptTargets&) {
  const long pid = syscall(SYS_clone, flags | SIGCHLD, 0, nullptr, nullptr, 0);
  if (pid == 0) _exit(kExitOfChild);
  return Reap("clone", pid);
}

template <uint64_t flags>
AttemptResult Clone3(const AttemptTargets&) {
  clone_args arguments = {};
  arguments.flags = flags;
  arguments.exit_signal = SIGCHLD;
  const long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (pid == 0) _exit(kExitOfChild);
  return Reap("clone3", pid);
}

AttemptResult Fork(const AttemptTargets&) {
  const long pid = syscall(SYS_fork);
  if (pid == 0) _exit(kExitOfChild);
  return Reap("fork", pid);
}

AttemptResult Vfork(const AttemptTargets&) {
  const pid_t pid = vfork();
  if (pid == 0) _exit(kExitOfChild);
  return Reap("vfork", pid);
}

template <int flags>
AttemptResult Unshare(const AttemptTargets&) {
  return AnswerOf("unshare", unshare(flags));
}

AttemptResult ExecuteShell(const AttemptTargets&) {
  static_assert(kExitOfReplacement == 113);
  char shell[] = "sh";
  char option[] = "-c";
  char command[] = "exit 113";
  char* const arguments[] = {shell, option, command, nullptr};
  char* const environment[] = {nullptr};
  execve("/bin/sh", arguments, environment);
  return Refused("execve");
}

// exit_group(113), as a whole program: its bytes are given, so that no file has to be read.
struct TinyProgram {
  Elf64_Ehdr header = {};
  Elf64_Phdr segment = {};
  std::array<uint8_t, 12> code = {0xbf, kExitOfReplacement,
                                  0,    0,
                                  0,  // mov $113, %edi
                                  0xb8, 231,
                                  0,    0,
                                  0,            // mov $231, %eax
                                  0x0f, 0x05};  // syscall
};

TinyProgram MakeTinyProgram() {
  constexpr uint64_t kBase = 0x400000;
  TinyProgram program;
  memcpy(program.header.e_ident, ELFMAG, SELFMAG);
  program.header.e_ident[EI_CLASS] = ELFCLASS64;
  program.header.e_ident[EI_DATA] = ELFDATA2LSB;
  program.header.e_ident[EI_VERSION] = EV_CURRENT;
  program.header.e_type = ET_EXEC;
  program.header.e_machine = EM_X86_64;
  program.header.e_version = EV_CURRENT;
  program.header.e_entry = kBase + offsetof(TinyProgram, code);
  program.header.e_phoff = offsetof(TinyProgram, segment);
  program.header.e_ehsize = sizeof(Elf64_Ehdr);
  program.header.e_phentsize = sizeof(Elf64_Phdr);
  program.header.e_phnum = 1;
  program.segment.p_type = PT_LOAD;
  program.segment.p_flags = PF_R | PF_X;
  program.segment.p_vaddr = kBase;
  program.segment.p_paddr = kBase;
  program.segment.p_filesz = sizeof(TinyProgram);
  program.segment.p_memsz = sizeof(TinyProgram);
  program.segment.p_align = 4096;
  return program;
}

AttemptResult ExecuteMemfd(const AttemptTargets&) {
  const UniqueFd file(memfd_create("program", MFD_CLOEXEC));
  if (!file.is_open()) return Refused("memfd_create");
  const TinyProgram program = MakeTinyProgram();
  if (write(file.get(), &program, sizeof(program)) < 0) return Refused("write");
  char name[] = "program";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  syscall(SYS_execveat, file.get(), "", arguments, environment, AT_EMPTY_PATH);
  return Refused("execveat");
}

// By number: libc's getppid does not tell of failure.
AttemptResult SeeHost(const AttemptTargets& targets) {
  const long parent = syscall(SYS_getppid);
  return parent < 0 ? Refused("getppid") : DoneIf(parent == targets.host_pid, "another pid");
}

constexpr Attempt kAttempts[] = {
    {"fork", "Forks by fork(2).", Fork},
    {"vfork", "Forks by vfork(2).", Vfork},
    {"clone-process", "Forks by clone(2).", Clone<0>},
    {"clone3-process", "Forks by clone3(2), whose flags no filter sees.", Clone3<0>},
    {"clone-newuser", "Forks into a user namespace of its own.", Clone<CLONE_NEWUSER>},
    {"clone-newpid", "Forks into a pid namespace of its own.", Clone<CLONE_NEWPID>, Needs::kRoot},
    {"clone-newns", "Forks into a mount namespace of its own.", Clone<CLONE_NEWNS>, Needs::kRoot},
    {"clone3-newuser", "Forks into a user namespace by clone3.", Clone3<CLONE_NEWUSER>},
    {"unshare-user", "Makes itself a user namespace, in which it has all capabilities.",
     Unshare<CLONE_NEWUSER>},
    {"unshare-net", "Makes itself a network namespace.", Unshare<CLONE_NEWNET>, Needs::kRoot},
    {"unshare-pid", "Makes its children a pid namespace.", Unshare<CLONE_NEWPID>, Needs::kRoot},
    {"unshare-mount", "Makes itself a mount namespace.", Unshare<CLONE_NEWNS>, Needs::kRoot},
    {"unshare-ipc", "Makes itself an IPC namespace.", Unshare<CLONE_NEWIPC>, Needs::kRoot},
    {"unshare-uts", "Makes itself a namespace of host names.", Unshare<CLONE_NEWUTS>, Needs::kRoot},
    {"execve-shell", "Becomes a shell.", ExecuteShell, Needs::kNothing, Proof::kReplacesProgram},
    {"execveat-memfd", "Becomes a program that it wrote to a memfd.", ExecuteMemfd, Needs::kNothing,
     Proof::kReplacesProgram},
    {"see-host-pid", "Sees the host's pid as its parent's.", SeeHost},
};

}  // namespace

std::span<const Attempt> ProcessAttempts() { return kAttempts; }

}  // namespace forkserver::testing
