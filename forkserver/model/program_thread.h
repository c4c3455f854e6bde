// A child program that runs on a thread of the parent process, where there is to be no process for
// it: the fallback that some rows of the table of process types have.
//
//     auto thread = ProgramThread::Start({.type = ProcessType::kGpu,
//                                         .program = MakeChildProgram<GpuChild>,
//                                         .argv = arguments.ToArgv("gpu")});
//     actor.Bind(loop, (*thread)->TakeSocket(), {.peer_pid = getpid()});
//     loop.Watch((*thread)->end_fd(), EPOLLIN, ...);         // the program has ended
//     int exit_status = (*thread)->Join();
//
// It is the program that a process of the type would run, with the same arguments, the same prefs
// and the other end of the same socket; it makes its own event loop, as it does in a process. What
// it does not have is what a process is: no sandbox, no policy that would be asked for, no death of
// its own. A crash of it is the parent's, and what it does to its process it does to the parent.
//
// Made after ForkServer::Start, as all threads of a host: what forks is another process by then,
// and launches by exec need no lock that this thread could hold (docs/design.md, Threads).
//
// Ownership: owns the thread and the parent's end until that is taken; all else is the thread's.
// Destroying it hangs up and waits for the thread, which may take as long as the program's running
// handler. Threads: one at a time, and not the thread itself. After a fork: not usable in the
// child.
#ifndef FORKSERVER_MODEL_PROGRAM_THREAD_H_
#define FORKSERVER_MODEL_PROGRAM_THREAD_H_

#include <stdint.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "child/child_program.h"
#include "child/process_type.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class ProgramThread {
 public:
  struct Options {
    ProcessType type = ProcessType::kParent;  // and the thread's name
    ChildProgramFactory program = {};
    std::vector<std::string> argv = {};
    uint64_t build_id = 0;
    PrefsMap prefs = {};
  };

  // Fails as socketpair(2), eventfd(2) and pthread_create(3) do.
  static absl::StatusOr<std::unique_ptr<ProgramThread>> Start(Options options);
  ProgramThread(const ProgramThread&) = delete;
  ProgramThread& operator=(const ProgramThread&) = delete;
  ~ProgramThread();

  // The parent's end of the socket, once. The kernel says of what comes there that this process
  // has sent it.
  UniqueFd TakeSocket() { return std::move(socket_); }
  // Both ends see the end of the other, whoever still holds the socket: the program ends as one
  // whose parent died.
  void HangUp();

  // Readable when the program has ended.
  int end_fd() const { return end_.get(); }
  // Waits for that, which then is at once. What Run returned; -1 after the first time.
  int Join();

 private:
  ProgramThread() = default;
  void Run(Options& options, UniqueFd socket);

  UniqueFd socket_;
  // A copy: a Goodbye that waits for room keeps the socket itself open (lingering_goodbye.h), and
  // only the parent's loop would end that, which stands still while the thread is waited for.
  UniqueFd hang_up_;
  UniqueFd end_;
  std::thread thread_;
  int exit_status_ = -1;  // the thread's, until it is joined
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_PROGRAM_THREAD_H_
