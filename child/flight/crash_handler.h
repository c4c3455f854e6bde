// The crash handler of templates and children: what a dying thread has in its registers and on its
// stack goes into the process's flight record, and then it dies of the signal it would have died of
// without this.
//
//     InstallCrashHandler();      // before the first fork
//     SetCrashRecord(record);     // in each child
//
// The handlers and their stack are made once, in the seed or in an exec'ed process, and inherited
// by every fork: a child pays for them with a getpid and two stores.
//
// Their system calls, of which all but rt_sigreturn may be refused by an error, or by a signal
// (SECCOMP_RET_TRAP; not where SIGSYS is blocked):
//
//     rt_sigprocmask      to unblock SIGSEGV and SIGBUS; refused and blocked: recorded in part
//     getpid              whether the record is this process's
//     clock_gettime       only where the vdso has no clock of its own
//     gettid, prctl       PR_GET_NAME: which thread it was
//     sched_yield         of another thread that crashes meanwhile
//     rt_sigprocmask, rt_sigaction, getpid, gettid, tgkill
//                         to die of a signal that was sent and not raised by an instruction; where
//                         they are refused it dies by an illegal instruction instead (the record
//                         has the true signal)
//
// So they work in the strictest sandbox. A filter that kills for one of them leaves what was
// recorded before it.
//
// Handled: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS. A stack overflow is a SIGSEGV, which
// needs a stack of its own to be handled on: the main thread has one, another one needs a
// CrashStack (watched_thread.h). std::terminate (an exception that nobody caught) notes the
// exception's type and words and goes on to abort. What assert(3) and glibc's malloc say before
// they abort is noted too.
//
// A child's program may set handlers of its own in place of these; it has no stack in its reports
// then, unless it calls the one before, as sigaction(2) gave it, and returns. Such a handler needs
// SA_SIGINFO and SA_ONSTACK, and is the first to see the faults of the one before, which end
// there: it must do nothing before it calls that. One that goes on after it (siglongjmp) has used
// up its record: a crash after that is reported as the first.
//
// Threads: the first one that crashes is recorded; others wait for its end, for 100'000 sched_yield
// at most, and then die of their own signal. After a fork by anybody but a template the handlers
// stay and nothing is recorded: fork(3) takes the record away, and of a raw clone, _Fork(3) and
// vfork(2) it is known that it is another process's. (A raw clone in a pid namespace of its own
// that borrows its parent's memory and has the same number there is taken for its parent.)
#ifndef CHILD_FLIGHT_CRASH_HANDLER_H_
#define CHILD_FLIGHT_CRASH_HANDLER_H_

#include <string_view>

#include "child/flight/flight_record.h"
#include "transceiver/mapping.h"

namespace forkserver {

// For the calling thread and all signals above. A second call does nothing once one was good. Where
// it fails, the records that are set afterwards say so.
WatchError InstallCrashHandler();

// Whose record a crash of the calling process goes to from here on; null: nobody's.
// Async-signal-safe.
void SetCrashRecord(FlightRecord* record);
FlightRecord* crash_record();

// What a failed check has to say, before it aborts: "index 7 of 3". Cut to
// CrashArea::kReasonBytes - 1; the first one counts. Does nothing in a process whose record it is
// not. Async-signal-safe.
void SetCrashReason(std::string_view reason);

// A stack for the handler of the calling thread, which must be the one that destroys it: so that
// its own stack may overflow and be reported. Where it cannot be had, the record says why.
class CrashStack {
 public:
  CrashStack() = default;
  CrashStack(const CrashStack&) = delete;
  CrashStack& operator=(const CrashStack&) = delete;
  ~CrashStack();

  WatchError Use();

 private:
  WatchError Set();

  Mapping memory_;
};

}  // namespace forkserver

#endif  // CHILD_FLIGHT_CRASH_HANDLER_H_
