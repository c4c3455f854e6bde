// Files below one process's folder of /proc.
//
//     absl::StatusOr<UniqueFd> folder = OpenProcFolder(pid);
//     absl::StatusOr<std::string> text = ReadProcFile(folder->get(), pid, "stat", 4096);
//
// The folder is of the process that has the pid now, and of no later one: when that is gone, what
// is opened below it is ESRCH or ENOENT.
#ifndef FORKSERVER_REPORT_PROC_FILE_H_
#define FORKSERVER_REPORT_PROC_FILE_H_

#include <stddef.h>
#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// "open /proc/412: ENOENT".
absl::StatusOr<UniqueFd> OpenProcFolder(pid_t pid);

// "openat /proc/412/pagemap: EACCES".
absl::StatusOr<UniqueFd> OpenProcFile(int folder, pid_t pid, const char* name);

// The whole file. ResourceExhausted where it has more than `most` bytes.
absl::StatusOr<std::string> ReadProcFile(int folder, pid_t pid, const char* name, size_t most);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_PROC_FILE_H_
