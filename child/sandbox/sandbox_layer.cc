#include "child/sandbox/sandbox_layer.h"

#include <iterator>

namespace forkserver {
namespace {

constexpr std::string_view kLayerNames[] = {
    "user namespace",      "pid namespace",          "mount namespace", "ipc namespace",
    "uts namespace",       "network namespace",      "empty root",      "no capabilities",
    "no new privileges",   "not dumpable",           "limits",          "Landlock: files",
    "Landlock: TCP",       "Landlock: scopes",       "system calls",    "broker and reporter",
    "own Landlock domain", "own system call filter",
};
static_assert(std::size(kLayerNames) == kSandboxLayerCount);

}  // namespace

std::string_view SandboxLayerName(SandboxLayer layer) {
  const auto index = static_cast<size_t>(layer);
  return index < kSandboxLayerCount ? kLayerNames[index] : "unknown layer";
}

}  // namespace forkserver
