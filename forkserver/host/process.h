// One unreaped child: a pid and the pidfd that makes it safe to use.
//
//     absl::StatusOr<ExitStatus> status = process.Wait(absl::Seconds(5));
//     if (absl::IsDeadlineExceeded(status.status())) process.Signal(SIGTERM);
//
// Ownership: move-only. A Process that is destroyed before its child was reaped kills it
// (SIGKILL) and waits for that, so that no zombie and no stray child is left: for kPatience at
// most. One that a tracer holds (gdb, strace), or the kernel, is not to be had before they let go,
// and is let go too: a zombie, which has no memory and no descriptor, reaped by init when this
// process ends. Nothing here waits for a killed process without a bound.
// Threads: one at a time. After a fork: not usable in the child.
// A child has one Process at most: who comes with the pid or the pidfd of a child that has one, as
// a peer that lies may, gets none. A child is its pidfd and not its pid: one that somebody else has
// reaped is none any more, and its pid may be the next child's, whoever still has the Process.
//
// Nothing here signals or waits by a bare pid; the pid is for people and for /proc, and is safe
// there as long as the child is not reaped.
//
// Children of a template send no SIGCHLD and cannot be taken by an embedder's waitpid(-1).
// Children of an exec can: their status is then read from the pidfd itself (PIDFD_GET_INFO with
// PIDFD_INFO_EXIT, Linux 6.15), without rusage.
#ifndef FORKSERVER_HOST_PROCESS_H_
#define FORKSERVER_HOST_PROCESS_H_

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/host/end_listener.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

struct ExitStatus {
  enum class Kind { kExited, kKilled };

  Kind kind = Kind::kExited;
  int code = 0;  // the exit status, or the signal
  bool core_dumped = false;
  // Absent where somebody else reaped the child.
  std::optional<rusage> usage;

  bool success() const { return kind == Kind::kExited && code == 0; }
  // "exited with status 3", "killed by SIGSEGV"
  std::string ToString() const;
};

// Whether a process is the first of a pid namespace below the reader's, by /proc/self/fdinfo; false
// where that cannot be read.
bool IsNamespaceInit(int pidfd);

// Whether the kernel tells of a process by its pidfd: Ok, or "PIDFD_GET_INFO: ENOTTY".
absl::Status CheckPidfdInfo(int pidfd);

// A signal's place in a set of them, as the kernel has it (sigset_t); of what is no signal, none.
constexpr uint64_t SignalBit(int signal) {
  return signal >= 1 && signal <= 64 ? uint64_t{1} << (signal - 1) : 0;
}

class SandboxedChild;

// Hears of the end of a process when it has been reaped, on the thread that reaps it, and not where
// nobody could. `sandboxed`: what it had of the host, as Process::sandboxed. `signals_sent`: the
// SignalBits of those that went through its Process; the SIGKILL that ends one that a Process is
// destroyed with among them, if it was still running.
class EndWitness {
 public:
  virtual ~EndWitness() = default;
  virtual void OnReaped(const ExitStatus& status, const SandboxedChild* sandboxed,
                        uint64_t signals_sent) = 0;
};

// Which children a peer can name as its own.
enum class ChildKind : uint8_t {
  kAny,
  kSilent,  // that send no signal at their end, as a forked template's do and an embedder's do not
};

class Process {
 public:
  // For the end of one that was killed: many times over what the kernel needs for it.
  static constexpr absl::Duration kPatience = absl::Seconds(2);

  // Opens the pidfd of an unreaped child of this process by its pid: for a child whose own pidfd
  // was lost on the way. Its pid cannot have gone to another process, since nobody reaped it.
  // NotFound: no such child of ours, or it has a Process already.
  static absl::StatusOr<Process> Adopt(pid_t pid, ChildKind kind = ChildKind::kAny);

  // Takes over a child of the calling process whose pid only its pidfd says, since it is in another
  // pid namespace than its maker. Asks the kernel (PIDFD_GET_INFO, Linux 6.13; before that
  // /proc/self/fdinfo). NotFound: it has been reaped, or CheckChild's reasons.
  static absl::StatusOr<Process> FromPidfd(UniqueFd pidfd);

  // Whether a descriptor that somebody has sent is the pidfd of a child of the calling process that
  // has no Process yet; its pid, or 0 for one that is dead and reaped, which nothing can harm any
  // more. Asks no file but a pidfd anything. NotFound: it is none.
  static absl::StatusOr<pid_t> CheckChild(int pidfd, ChildKind kind = ChildKind::kAny);

  // Whether some Process has the child that has that pid now, unreaped.
  static bool IsOwned(pid_t pid);

  // Takes over a child of the calling process, that has no Process yet.
  Process(pid_t pid, UniqueFd pidfd);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  // Polls readable when the child has ended; for an event loop, which then calls Wait.
  int pidfd() const { return pidfd_.get(); }

  // Waits for the end of the child and reaps it. Later calls give the same answer again.
  // DeadlineExceeded: it still runs, or has ended and is traced. Other errors name the call
  // ("waitid pid 412: ECHILD, and PIDFD_GET_INFO: ENOTTY": somebody else has taken the status, and
  // this kernel does not keep it).
  absl::StatusOr<ExitStatus> Wait(absl::Duration timeout = absl::InfiniteDuration());

  // Whether it runs no more; it may be unreaped, and held by a tracer.
  bool HasEnded() const;

  // What the destructor does, with another bound, on the clock of NowNanos. The pid and the status
  // are nobody's from here on. DeadlineExceeded: it was let go unreaped ("wait pid 412: it has
  // ended, and is traced"). PermissionDenied: it runs on, since this process may not
  // signal it any more (it has another user than when that was made).
  absl::Status KillAndReap(int64_t deadline);

  // Kept until the child has been reaped; of a sandboxed one.
  void Keep(std::shared_ptr<SandboxedChild> sandboxed) { sandboxed_ = std::move(sandboxed); }
  // Null: not sandboxed, or reaped.
  SandboxedChild* sandboxed() const { return sandboxed_.get(); }

  // Calls `on_end` once with the status, by whoever reaps it, wherever that is: in Wait, in the
  // destructor. Not where there is no status to be had. For a LaunchObserver: nothing is kept in a
  // build without it.
  void ListenForEnd(EndListener::OnEnd on_end) { end_.Set(std::move(on_end)); }
  // Who is told of its end with all that this knows of it; null: nobody.
  void TellOfEnd(std::shared_ptr<EndWitness> witness) { witness_ = std::move(witness); }

  // pidfd_send_signal(2). NotFound once the child has been reaped.
  absl::Status Signal(int signal);

 private:
  // The status, nothing if it still runs, or an error.
  absl::StatusOr<std::optional<ExitStatus>> TryReap(bool block);
  absl::StatusOr<ExitStatus> WaitUntil(int64_t deadline);

  void Ended();
  // pidfd_send_signal(2): 0 or an errno.
  int SendSignal(int signal);
  void DisownPid();

  pid_t pid_;
  UniqueFd pidfd_;
  bool owns_pid_;  // put its pidfd into the table of children that have a Process
  std::optional<ExitStatus> status_;
  std::shared_ptr<SandboxedChild> sandboxed_;
  [[no_unique_address]] EndListener end_;
  std::shared_ptr<EndWitness> witness_;
  uint64_t signals_sent_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_PROCESS_H_
