// What the parent tells every child process on its command line, written and read in one place.
//
//     ChildArguments arguments = {.build_id = id, .parent_pid = getpid(), .child_id = 7};
//     LaunchOptions options = {.argv = arguments.ToArgv("content")};             // the parent
//     absl::StatusOr<ChildArguments> mine = ChildArguments::Parse(context.argv); // the child
//
// As argv: "content -buildID=0123456789abcdef -parentPid=412 -childID=7 -sandbox=content
// -remoteType=web -- https://a.test". Whoever lists processes sees them: no secrets here.
// Plain values; threads: any.
#ifndef CHILD_PROCESS_CHILD_ARGUMENTS_H_
#define CHILD_PROCESS_CHILD_ARGUMENTS_H_

#include <stdint.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace forkserver {

struct ChildArguments {
  uint64_t build_id = 0;     // of the parent's program and libraries (forkserver/server/build_id.h)
  int32_t parent_pid = 0;    // as the parent's own pid namespace has it
  uint64_t child_id = 0;     // the parent's number for this process; never used twice
  std::string sandbox = {};  // the policy that it has to be in; empty: none is asked for
  std::string remote_type = {};  // what content it may have; empty where that is not for its type
  std::vector<std::string> extra = {};  // the program's own, behind "--"

  // `name` is argv[0].
  std::vector<std::string> ToArgv(std::string_view name) const;

  // InvalidArgument names the argument: "-buildID=xyz: not a number", "-childID is missing". An
  // argument that is not known, or there twice, is an error too: it may change what others mean.
  static absl::StatusOr<ChildArguments> Parse(std::span<char* const> argv);
};

}  // namespace forkserver

#endif  // CHILD_PROCESS_CHILD_ARGUMENTS_H_
