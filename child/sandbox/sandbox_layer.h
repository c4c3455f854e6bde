// The layers of the sandbox, by name.
#ifndef CHILD_SANDBOX_SANDBOX_LAYER_H_
#define CHILD_SANDBOX_SANDBOX_LAYER_H_

#include <stddef.h>
#include <stdint.h>

#include <string_view>

namespace forkserver {

// In the order in which they are engaged. The numbers are on the wire.
enum class SandboxLayer : uint8_t {
  kUserNamespace = 0,
  kPidNamespace,
  kMountNamespace,
  kIpcNamespace,
  kUtsNamespace,
  kNetworkNamespace,
  kEmptyRoot,        // read-only, entered by pivot_root
  kCapabilities,     // none, also not by exec
  kNoNewPrivileges,  // no_new_privs
  kNotDumpable,
  kLimits,
  kLandlockFiles,    // no file by its name
  kLandlockNetwork,  // no TCP (Landlock 4, Linux 6.7)
  kLandlockScopes,   // no signals and abstract sockets out of it (Landlock 6, Linux 6.12)
  kSystemCallFilter,
  kListener,           // what the filter refuses is asked of the host: broker and reporter
  kOwnLandlockDomain,  // each child's: siblings cannot signal each other
  kOwnFilter,          // each child's: takes away what only a template may do

  kCount,
};

inline constexpr size_t kSandboxLayerCount = static_cast<size_t>(SandboxLayer::kCount);

// "user namespace", "empty root".
std::string_view SandboxLayerName(SandboxLayer layer);

// Layers as bits.
using SandboxLayers = uint32_t;

constexpr SandboxLayers LayerBit(SandboxLayer layer) {
  return SandboxLayers{1} << static_cast<unsigned>(layer);
}

inline constexpr SandboxLayers kAllSandboxLayers = LayerBit(SandboxLayer::kCount) - 1;

// Without these there is no sandbox worth the name.
inline constexpr SandboxLayers kLeastSandboxLayers =
    LayerBit(SandboxLayer::kCapabilities) | LayerBit(SandboxLayer::kNoNewPrivileges) |
    LayerBit(SandboxLayer::kSystemCallFilter) | LayerBit(SandboxLayer::kOwnFilter);

}  // namespace forkserver

#endif  // CHILD_SANDBOX_SANDBOX_LAYER_H_
