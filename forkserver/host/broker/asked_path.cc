#include "forkserver/host/broker/asked_path.h"

namespace forkserver {
namespace {

void AddComponents(std::string_view path, std::string& full, std::string& normal,
                   bool& has_dot_dot) {
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (component.empty() || component == ".") continue;
    full.append("/").append(component);
    if (component != "..") {
      normal.append("/").append(component);
      continue;
    }
    has_dot_dot = true;
    normal.resize(normal.empty() ? 0 : normal.rfind('/'));
  }
}

std::string_view LastOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

AskedPath::AskedPath(std::string_view base, std::string_view path) {
  if (!path.starts_with('/')) AddComponents(base, full_, normal_, has_dot_dot_);
  AddComponents(path, full_, normal_, has_dot_dot_);
  const std::string_view last = LastOf(path);
  wants_directory_ = last.empty() || last == "." || last == "..";
  has_leaf_ = last != "." && last != ".." && !full_.empty() && LastOf(full_) != "..";
  if (normal_.empty()) normal_.push_back('/');
  if (full_.empty() || wants_directory_) full_.push_back('/');
}

std::string_view AskedPath::leaf() const {
  // With the slash at its end, if there is one: that says that it is to be a directory.
  const size_t end = full_.size() - (full_.ends_with('/') ? 2 : 1);
  return std::string_view(full_).substr(full_.rfind('/', end) + 1);
}

AskedPath AskedPath::Parent() const {
  return AskedPath("/", std::string_view(full_).substr(0, full_.size() - leaf().size()));
}

}  // namespace forkserver
