// The record of one call of a sandboxed child that was not done, and its line of text:
//
//     sandbox: content pid 4711: openat("/etc/passwd", O_RDONLY) refused: EACCES
//
// Paths are the child's: whatever is not printable in them is escaped, so that a line is a line.
#ifndef FORKSERVER_HOST_BROKER_REFUSED_CALL_H_
#define FORKSERVER_HOST_BROKER_REFUSED_CALL_H_

#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/types.h>

#include <array>
#include <string>

#include "child/process_types.h"

namespace forkserver {

enum class CallOutcome : uint8_t {
  kRefused,        // by the policy: its system calls or its file rules
  kKilled,         // the child was
  kUnknownCaller,  // nobody registered the process
  kTimedOut,       // the operation took longer than the broker's deadline
  kTooBusy,        // too many operations are stuck
};

struct RefusedCall {
  uint64_t sequence = 0;  // the reporter's count, from 1
  int64_t time = 0;       // NowNanos
  pid_t pid = -1;         // by the kernel's word, in the host's pid namespace
  pid_t tid = -1;
  ProcessType type = ProcessType::kParent;  // kParent: of no child that is known
  std::string call = {};                    // "openat"; "call 451" for one without a name
  uint32_t architecture = 0;                // AUDIT_ARCH_
  int number = -1;
  std::array<uint64_t, 6> arguments = {};
  std::string path = {};  // the first one, if it has been read
  CallOutcome outcome = CallOutcome::kRefused;
  int error = 0;            // what the child was answered
  uint64_t suppressed = 0;  // refused before this one, since the child's last record, and not kept
};

// All but the name, which takes a search: SandboxReporter looks it up for what it keeps.
RefusedCall DescribeCall(const seccomp_data& data);
std::string CallName(uint32_t architecture, int number);

std::string ToString(const RefusedCall& record);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_REFUSED_CALL_H_
