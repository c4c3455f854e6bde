// A system call of a child, as the operation on files that it asks for.
//
//     BrokeredCall call;
//     const int error = DecodeCall(notification.data, call);
//     if (error != 0) ...                         // answer with it: ENOSYS, EINVAL
//     call.operation                              // FileOperation::kOpen
//
// The many names of one thing (open, openat, openat2, creat) become one operation with one set of
// fields, so that what decides on it and what does it are written once. Pure: what the arguments
// point at is the child's memory and is read elsewhere; also openat2's struct, which
// ApplyOpenHow then puts in.
//
// Stricter than the kernel on purpose: flags that are not known here are EINVAL, and so are those
// that nobody in a sandbox needs (O_TMPFILE, O_PATH, O_DIRECT, O_ASYNC, O_NOATIME).
#ifndef FORKSERVER_HOST_BROKER_BROKERED_CALL_H_
#define FORKSERVER_HOST_BROKER_BROKERED_CALL_H_

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdint.h>

namespace forkserver {

enum class FileOperation : uint8_t {
  kOpen,
  kStat,
  kStatx,
  kAccess,
  kReadLink,
  kMakeDirectory,
  kUnlink,
  kRemoveDirectory,
  kRename,
  kConnect,
};

// A path as a call has it: an address in the child, and what a relative one is relative to.
struct PathArgument {
  int directory = AT_FDCWD;
  uint64_t address = 0;
};

struct BrokeredCall {
  FileOperation operation = FileOperation::kOpen;
  PathArgument path = {};
  PathArgument second_path = {};  // kRename: the new name

  uint64_t open_flags = 0;    // kOpen
  uint64_t mode = 0;          // kOpen, kMakeDirectory; kAccess: R_OK and the like
  uint64_t resolve = 0;       // kOpen: openat2's
  bool has_open_how = false;  // kOpen by openat2: its struct is still to be applied
  uint64_t open_how = 0;      // where that is
  uint64_t open_how_bytes = 0;
  uint32_t at_flags = 0;        // kStat, kStatx, kAccess; AT_SYMLINK_NOFOLLOW for lstat too
  uint32_t statx_mask = 0;      // kStatx
  uint32_t rename_flags = 0;    // kRename: 0 or RENAME_NOREPLACE
  uint64_t result = 0;          // where the answer goes in the child: stat's, readlink's
  uint64_t result_bytes = 0;    // kReadLink: how much fits there
  int socket = -1;              // kConnect
  uint64_t socket_address = 0;  // kConnect
  uint64_t socket_address_bytes = 0;
};

// 0, or what to answer: ENOSYS for a call that no broker does, also for one by another
// architecture's number (x32, ia32); EINVAL for flags that are not carried out.
int DecodeCall(const seccomp_data& data, BrokeredCall& call);

// openat2's struct, as it was copied from the child. 0, or what to answer.
int ApplyOpenHow(const open_how& how, BrokeredCall& call);

// AUDIT_ARCH_ of this program.
extern const uint32_t kNativeArchitecture;

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_BROKERED_CALL_H_
