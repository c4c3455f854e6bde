// A path as a child gave it, made absolute and taken apart; without looking at any file.
//
//     const AskedPath asked("/", "usr//share/./fonts/");
//     asked.full()             // "/usr/share/fonts/": for the kernel
//     asked.normal()           // "/usr/share/fonts": for the policy
//     asked.has_dot_dot()      // false: the two name the same, but for symbolic links
//
// `.` and empty components mean nothing to the kernel and are dropped from both. `..` stays in
// full(): what it leads to depends on whether the component before it is a symbolic link. In
// normal() it takes the component before it away, whatever that is.
#ifndef FORKSERVER_HOST_BROKER_ASKED_PATH_H_
#define FORKSERVER_HOST_BROKER_ASKED_PATH_H_

#include <string>
#include <string_view>

namespace forkserver {

class AskedPath {
 public:
  // `path` is not empty; where it is absolute, `base` does not matter.
  AskedPath(std::string_view base, std::string_view path);

  const std::string& full() const { return full_; }
  const std::string& normal() const { return normal_; }
  bool has_dot_dot() const { return has_dot_dot_; }
  // A slash, `.` or `..` at the end.
  bool wants_directory() const { return wants_directory_; }

  // For calls that make or remove a name. False where the last component is none: "/", "a/.",
  // "a/..".
  bool has_leaf() const { return has_leaf_; }
  std::string_view leaf() const;
  // What is before the leaf.
  AskedPath Parent() const;

 private:
  AskedPath() = default;

  std::string full_;
  std::string normal_;
  bool has_dot_dot_ = false;
  bool wants_directory_ = false;
  bool has_leaf_ = false;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_ASKED_PATH_H_
