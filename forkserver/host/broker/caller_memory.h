// The memory of a caller: what its arguments point at.
//
// Each thing is copied once and never looked at again: other threads of the child write to it
// meanwhile. All return 0 or an errno: EFAULT for what is not mapped, EPERM for a process that does
// not let the host look in (PR_SET_DUMPABLE), ESRCH when it is gone.
#ifndef FORKSERVER_HOST_BROKER_CALLER_MEMORY_H_
#define FORKSERVER_HOST_BROKER_CALLER_MEMORY_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <string>

namespace forkserver {

// Up to its NUL. ENAMETOOLONG where there is none within PATH_MAX. Memory after the NUL need not
// be there.
int ReadPath(pid_t tid, uint64_t address, std::string& path);

// Exactly so many bytes.
int ReadBytes(pid_t tid, uint64_t address, void* bytes, size_t size);
int WriteBytes(pid_t tid, uint64_t address, const void* bytes, size_t size);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_CALLER_MEMORY_H_
