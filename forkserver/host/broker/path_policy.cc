#include "forkserver/host/broker/path_policy.h"

#include <limits.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"

namespace forkserver {
namespace {

constexpr uint32_t kAllRights =
    kMayStat | kMayRead | kMayWrite | kMayCreate | kMayRemove | kMayConnect;

// Takes the first component off `path`, which begins behind a slash.
std::string_view NextComponent(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view component = path.substr(0, slash);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  return component;
}

std::string_view WhatIsWrongWith(const FileRule& rule) {
  const std::string_view path = rule.path;
  if (!path.starts_with('/')) return "not an absolute path";
  if (path.size() >= PATH_MAX) return "longer than a path can be";
  if (path.find('\0') != std::string_view::npos) return "a NUL in the path";
  if (path.size() > 1 && path.ends_with('/')) return "a slash at the end of the path";
  if (rule.reach != FileReach::kExactly && rule.reach != FileReach::kBeneath) return "no reach";
  if ((rule.rights & ~kAllRights) != 0) return "rights that there are not";
  for (std::string_view rest = path.substr(1); !rest.empty();) {
    const std::string_view component = NextComponent(rest);
    if (component.empty()) return "an empty component in the path";
    if (component == "." || component == "..") return "a . or .. in the path";
  }
  return {};
}

absl::Status BadRule(const FileRule& rule, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrFormat(
      "file rule \"%s\": %s", absl::CEscape({rule.path.data(), rule.path.size()}), what));
}

uint32_t WithWhatItBrings(uint32_t rights) {
  return (rights & kMayRead) != 0 ? rights | kMayStat : rights;
}

}  // namespace

absl::StatusOr<PathPolicy> PathPolicy::Create(std::span<const FileRule> rules) {
  PathPolicy policy;
  for (const FileRule& rule : rules) {
    const std::string_view wrong = WhatIsWrongWith(rule);
    if (!wrong.empty()) return BadRule(rule, wrong);
    Node* node = &policy.root_;
    for (std::string_view rest = std::string_view(rule.path).substr(1); !rest.empty();) {
      node = &node->children[std::string(NextComponent(rest))];
    }
    std::optional<uint32_t>& rights =
        rule.reach == FileReach::kExactly ? node->exactly : node->beneath;
    const uint32_t all = WithWhatItBrings(rule.rights);
    if (rights.has_value() && *rights != all) return BadRule(rule, "other rights than before");
    rights = all;
  }
  return policy;
}

const PathPolicy::Node* PathPolicy::Step(const Node& node, std::string_view component) const {
  const auto found = node.children.find(component);
  return found == node.children.end() ? nullptr : &found->second;
}

uint32_t PathPolicy::Find(std::string_view path) const {
  if (!path.starts_with('/')) return kMayNothing;
  const Node* node = &root_;
  uint32_t inherited = root_.beneath.value_or(kMayNothing);
  for (std::string_view rest = path.substr(1); !rest.empty();) {
    const std::string_view component = NextComponent(rest);
    if (component.empty() || component == "." || component == "..") return kMayNothing;
    // On to the end also where no rule goes further: a `..` later on must not be missed.
    if (node != nullptr) node = Step(*node, component);
    if (node != nullptr) inherited = node->beneath.value_or(inherited);
  }
  return node != nullptr ? node->exactly.value_or(inherited) : inherited;
}

bool PathPolicy::HasRulesBelow(std::string_view path) const {
  if (!path.starts_with('/')) return false;
  const Node* node = &root_;
  for (std::string_view rest = path.substr(1); node != nullptr && !rest.empty();) {
    node = Step(*node, NextComponent(rest));
  }
  return node != nullptr && !node->children.empty();
}

}  // namespace forkserver
