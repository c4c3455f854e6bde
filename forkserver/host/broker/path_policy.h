// Which rights a child's file rules give to a path.
//
//     auto policy = PathPolicy::Create(rules);               // an error names the bad rule
//     policy->Find("/usr/share/fonts/a.ttf")                 // kMayRead | kMayStat
//
// A tree by path components: a look-up costs the path's length, however many rules there are. Pure:
// it looks at names only and never at a file. What a name leads to (symbolic links, `..`) is for
// path_resolution.h, which asks again for what it finds.
//
// Immutable once made, so any thread may ask.
#ifndef FORKSERVER_HOST_BROKER_PATH_POLICY_H_
#define FORKSERVER_HOST_BROKER_PATH_POLICY_H_

#include <stdint.h>

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "child/sandbox/file_rule.h"

namespace forkserver {

class PathPolicy {
 public:
  // Without rules it allows nothing. Refused: a path that is not absolute, has `.`, `..`, an empty
  // component or a NUL in it, or is too long for the kernel; rights and reaches that there are not;
  // and two rules for the same that differ, of which one would be lost.
  static absl::StatusOr<PathPolicy> Create(std::span<const FileRule> rules);

  // The FileRights of an absolute path without `.` and `..`; kMayNothing where no rule says
  // anything, and for what is no such path. kMayRead brings kMayStat with it.
  uint32_t Find(std::string_view path) const;

  bool Allows(std::string_view path, uint32_t rights) const {
    return (Find(path) & rights) == rights;
  }

  // Whether some rule names what is below `path`. Renaming such a directory would carry what is in
  // it out of the reach of that rule.
  bool HasRulesBelow(std::string_view path) const;

 private:
  struct Node {
    std::map<std::string, Node, std::less<>> children = {};
    std::optional<uint32_t> exactly = {};
    std::optional<uint32_t> beneath = {};
  };

  const Node* Step(const Node& node, std::string_view component) const;

  Node root_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_PATH_POLICY_H_
