// Copies memory that may not be there, for a crash handler: a stack that was overrun, a list of
// modules that is broken.
//
//     const size_t copied = CopyWhatIsThere(record.stack, stack_pointer, sizeof(record.stack));
//
// It stops at the first byte that cannot be read. The fault is an ordinary SIGSEGV or SIGBUS: the
// handler of both must call SkipFaultOfCopy first, on its own stack and with the signal unblocked
// (SA_NODEFER), and return where that is true. No system call: process_vm_readv(2), which could
// say the same, is what sandboxes refuse.
#ifndef CHILD_FLIGHT_COPY_WHAT_IS_THERE_H_
#define CHILD_FLIGHT_COPY_WHAT_IS_THERE_H_

#include <stddef.h>
#include <ucontext.h>

namespace forkserver {

// The number of bytes that were copied, from the first on.
size_t CopyWhatIsThere(void* to, const void* from, size_t bytes);

// Whether the fault is one of CopyWhatIsThere, which then goes on behind it.
bool SkipFaultOfCopy(ucontext_t& context);

}  // namespace forkserver

#endif  // CHILD_FLIGHT_COPY_WHAT_IS_THERE_H_
