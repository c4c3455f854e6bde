// The crash handler of templates and children: what a dying thread has in its registers and on its
// stack goes into the process's flight record, and then it dies of the signal it would have died of
// without this.
//
//     InstallCrashHandler();      // before the first fork
//     SetCrashRecord(record);     // in each child
//
// The handlers and their stack are made once, in the seed or in an exec'ed process, and inherited
// by every fork: a child pays for them with one store. What they do needs no system call but
// rt_sigreturn, so that they work in the strictest sandbox; where a signal was sent and not
// raised by an instruction, the last two are rt_sigaction and tgkill, and where those are refused
// the process dies by an illegal instruction instead (the record has the true signal).
//
// Handled: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS. A stack overflow is a SIGSEGV, which
// needs a stack of its own to be handled on: the main thread has one, another one needs a
// CrashStack. std::terminate (an exception that nobody caught) notes the exception's type and words
// and goes on to abort. What assert(3) and glibc's malloc say before they abort is noted too.
//
// A child's program may set handlers of its own in place of these; it has no reports then, unless
// it calls the one before, as sigaction(2) gave it.
//
// Threads: the first one that crashes is recorded; others wait for it. After a fork by anybody but
// a template: the handlers stay, the record is not there (MADV_DONTFORK) and must be taken away by
// SetCrashRecord(nullptr); where nobody does, nothing is recorded.
#ifndef CHILD_FLIGHT_CRASH_HANDLER_H_
#define CHILD_FLIGHT_CRASH_HANDLER_H_

#include <string_view>

#include "child/flight/flight_record.h"
#include "transceiver/mapping.h"

namespace forkserver {

// For the calling thread and all signals above. A second call does nothing once one was good. Where
// it fails, the records that are set afterwards say so.
WatchError InstallCrashHandler();

// Whose record a crash goes to from here on; null: nobody's. Async-signal-safe.
void SetCrashRecord(FlightRecord* record);
FlightRecord* crash_record();

// What a failed check has to say, before it aborts: "index 7 of 3". Cut to
// CrashArea::kReasonBytes - 1; the first one counts. Async-signal-safe.
void SetCrashReason(std::string_view reason);

// A stack for the handler of the calling thread, which must be the one that destroys it: so that
// its own stack may overflow and be reported.
class CrashStack {
 public:
  CrashStack() = default;
  CrashStack(const CrashStack&) = delete;
  CrashStack& operator=(const CrashStack&) = delete;
  ~CrashStack();

  WatchError Use();

 private:
  Mapping memory_;
};

}  // namespace forkserver

#endif  // CHILD_FLIGHT_CRASH_HANDLER_H_
