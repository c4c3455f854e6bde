// What a sandboxed child may have the broker do with files: part of its policy.
//
//     files = {{.path = "/usr/share/fonts", .reach = FileReach::kBeneath, .rights = kMayRead},
//              {.path = "/run/user/pulse", .reach = FileReach::kExactly, .rights = kMayConnect}};
//
// A path is absolute, as the host sees it, without `.`, `..` or a slash at its end (but for "/").
// The rule that names the longest part of a path decides, and an exact one before one for all that
// is beneath; a rule with no rights takes away what a shorter one gives.
#ifndef CHILD_SANDBOX_FILE_RULE_H_
#define CHILD_SANDBOX_FILE_RULE_H_

#include <stdint.h>

#include <string>

namespace forkserver {

enum class FileReach : uint8_t {
  kExactly,  // this one
  kBeneath,  // this one, and all that is in it
};

// What may be done, as bits.
enum FileRights : uint32_t {
  kMayNothing = 0,
  kMayStat = 1u << 0,     // stat, access, readlink
  kMayRead = 1u << 1,     // open for reading, list a directory; has kMayStat in it
  kMayWrite = 1u << 2,    // open for writing, what is there
  kMayCreate = 1u << 3,   // open with O_CREAT, mkdir
  kMayRemove = 1u << 4,   // unlink, rmdir; rename needs it and kMayCreate
  kMayConnect = 1u << 5,  // connect to a socket that is bound there
};

struct FileRule {
  std::string path;
  FileReach reach = FileReach::kExactly;
  uint32_t rights = kMayNothing;
};

}  // namespace forkserver

#endif  // CHILD_SANDBOX_FILE_RULE_H_
