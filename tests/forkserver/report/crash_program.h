// A child that crashes in the way that its first argument names, in a function of that name:
//
//     segv       writes where nothing is mapped         CrashBySegv
//     bus        reads behind the end of a file         CrashByBus
//     ill        executes an illegal instruction        CrashByIll
//     fpe        divides by zero                        CrashByFpe
//     abort      calls abort                            CrashByAbort
//     sys        is sent SIGSYS                         CrashBySys
//     exception  throws what nobody catches             CrashByException
//     check      fails an assert                        CrashByCheck
//     reason     gives a reason of its own, and aborts  CrashByReason
//     overflow   calls itself without end               CrashByOverflow
//     null       calls a null pointer                   CrashByNull
//     thread     as segv, on a thread of its own        CrashBySegv
//     stack      as overflow, on such a thread          CrashByOverflow
//     twice      as segv, with a broken stack pointer   (no stack can be found)
//     stack without memory  as stack, with no memory left for the handler's
//     bare stack as overflow, on a thread without a CrashStack
//     blocked    as segv, with all signals blocked
//     blocked abort  as abort, likewise                 CrashByAbort
//     chained    as segv, with a handler of its own that calls the one before
//     fork       throws in a child of its own, and ends with 100 and that one's signal
//     raw fork   likewise, of _Fork(3)
//     fork over record  ends with 77 where a reason given in a child of its own is in its memory
//     vfork      as segv in a child of vfork(2), and then kills itself
//     vfork then fpe    likewise, and then as fpe       CrashByFpe
//     trapped    as segv, under a filter that traps the handler's calls
//     trapped reason    gives a reason, and as ill, likewise
//     many       as segv and abort, on eight threads at once
//     refused    asks for what its sandbox refuses, then as segv
//     wait       waits for the host to hang up, and ends with 0
#ifndef TESTS_FORKSERVER_REPORT_CRASH_PROGRAM_H_
#define TESTS_FORKSERVER_REPORT_CRASH_PROGRAM_H_

#include <string_view>

#include "child/child_program.h"

namespace forkserver::testing {

void Crash(std::string_view way);

class CrashProgram : public ChildProgram {
 public:
  int Run(ChildContext& context) override;
};

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_REPORT_CRASH_PROGRAM_H_
