// Files that a dead process names as what it had loaded, opened where this host can vouch for them.
//
//     absl::StatusOr<UniqueFd> file = OpenModuleFile("/usr/lib/libfoo.so");   // for reading
//     file.status().message()   // "not loaded by this host, and not root's alone"
//
// Who parses a file that somebody else may change or cut short reads lies, and dies of SIGBUS where
// it has mapped it. So a file is opened only where its bytes are the word of somebody who need not
// do that to harm the host: it is a regular file with a name, and
//
// - lies where this host has loaded it from itself (what the dynamic linker lists, and its own
//   program): whoever may change that may change the host, or
// - is root's, and neither its group nor others may write to it, and its file system is none of
//   those known to make their files up (/proc, /sys and what is below it, binfmt_misc, FUSE). Not
//   known are configfs, mqueue and a few others, whose numbers linux/magic.h does not have.
//
// A host that is root, and lets a sandboxed child write where files become root's, vouches for what
// that child writes.
//
// Links of /proc that lead to what a process has open, mapped or as its root are not followed: what
// they lead to need have no name. Nothing is opened, not even a device, before it is known what it
// is. That needs openat2(2), so Linux 5.6; before, nothing is opened.
//
// Errors have no name of the file: "openat2: ELOOP", "no regular file". Threads: any.
#ifndef FORKSERVER_REPORT_MODULE_FILE_H_
#define FORKSERVER_REPORT_MODULE_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

absl::StatusOr<UniqueFd> OpenModuleFile(const std::string& path);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_MODULE_FILE_H_
