// Carries out one call of a child, under its file rules.
//
//     FileAnswer answer = CarryOutCall(policy, caller, notification.data, options);
//     if (answer.caller_is_gone) return;
//     if (answer.descriptor.is_open()) ...      // to be given to the child: ADDFD
//
// The path is copied from the child once, before anything else, and the caller asked whether it
// still waits: what was read is then its own, and nothing that it writes afterwards changes what is
// done. Results (stat's, readlink's) are written into its memory here; a descriptor is left to the
// broker.
//
// What the rules do not allow is EACCES, whether it is there or not. What they allow, and fails,
// has the kernel's error. Of the differences from the kernel's own calls:
// - Relative paths: a child's working directory is taken to be "/". Relative to a descriptor: the
//   path of the directory that it is open on, as the host sees it, goes before it; ENOENT where it
//   has none (any more).
// - Opens never wait for the other end of a FIFO: one for writing that has no reader is ENXIO. The
//   descriptor blocks or not as was asked. Never a controlling terminal.
// - What is created has no set-user-id, set-group-id and sticky bit, and no rights for others than
//   the user (the option `umask`).
// - access, and all permission checks of the kernel, are about the host's user.
// - A rename may not give rights: those on the new name must be among those on the old one; nor may
//   it move a directory in which a rule names something.
// - connect: to sockets that have a path, and only such. It does not wait for a listener that is
//   full: EAGAIN, as from a non-blocking socket, which the child's is for that moment; another
//   thread that changes its flags at that moment may see its change undone. The peer sees the
//   host's credentials (SO_PEERCRED).
// - stat and access of a descriptor itself (AT_EMPTY_PATH) are always answered: it has it anyway.
//
// Threads: any, at the same time. Blocks as long as the file system does.
#ifndef FORKSERVER_HOST_BROKER_FILE_BROKER_H_
#define FORKSERVER_HOST_BROKER_FILE_BROKER_H_

#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/types.h>

#include <string>

#include "forkserver/host/broker/caller.h"
#include "forkserver/host/broker/path_policy.h"
#include "forkserver/host/broker/path_resolution.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

struct FileBrokerOptions {
  mode_t umask = 077;  // besides the host's own
};

struct FileAnswer {
  int error = 0;
  int64_t value = 0;
  UniqueFd descriptor = {};
  uint32_t descriptor_flags = 0;  // O_CLOEXEC or 0: for the child's copy
  Refusal refusal = Refusal::kNone;
  bool caller_is_gone = false;  // nothing is to be answered
  std::string path = {};        // the first one, if it came to be read
};

FileAnswer CarryOutCall(const PathPolicy& policy, Caller& caller, const seccomp_data& data,
                        const FileBrokerOptions& options = {});

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_FILE_BROKER_H_
