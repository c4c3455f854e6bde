#include "child/sandbox/sandbox_policy.h"

#include <iterator>

#include "child/sandbox/policies.h"
#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

struct PolicyRow {
  SandboxPolicyId id;
  std::string_view name;
  SandboxPolicy (*make)();
};

constexpr PolicyRow kRows[] = {
    {SandboxPolicyId::kContent, "content", ContentPolicy},
    {SandboxPolicyId::kFileContent, "file-content", FileContentPolicy},
    {SandboxPolicyId::kExtension, "extension", ExtensionPolicy},
    {SandboxPolicyId::kMedia, "media", MediaPolicy},
    {SandboxPolicyId::kDataDecoder, "data-decoder", DataDecoderPolicy},
    {SandboxPolicyId::kUtility, "utility", UtilityPolicy},
    {SandboxPolicyId::kSocket, "socket", SocketPolicy},
    {SandboxPolicyId::kGpu, "gpu", GpuPolicy},
    {SandboxPolicyId::kVr, "vr", VrPolicy},
    {SandboxPolicyId::kComputeOnly, "compute-only", ComputeOnlyPolicy},
};

constexpr SandboxPolicyId kIds[] = {
    SandboxPolicyId::kContent,     SandboxPolicyId::kFileContent, SandboxPolicyId::kExtension,
    SandboxPolicyId::kMedia,       SandboxPolicyId::kDataDecoder, SandboxPolicyId::kUtility,
    SandboxPolicyId::kSocket,      SandboxPolicyId::kGpu,         SandboxPolicyId::kVr,
    SandboxPolicyId::kComputeOnly,
};

constexpr bool RowsAreComplete() {
  if (std::size(kRows) + 1 != static_cast<size_t>(SandboxPolicyId::kCount)) return false;
  if (std::size(kIds) != std::size(kRows)) return false;
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<size_t>(kRows[i].id) != i + 1 || kIds[i] != kRows[i].id) return false;
  }
  return true;
}
static_assert(RowsAreComplete(), "a row for each policy, in the order of their numbers");

const PolicyRow* FindRow(SandboxPolicyId id) {
  for (const PolicyRow& row : kRows) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

}  // namespace

SandboxPolicy MakeSandboxPolicy(SandboxPolicyId id) {
  const PolicyRow* row = FindRow(id);
  if (row == nullptr) return {};
  SandboxPolicy policy = row->make();
  policy.id = row->id;
  policy.name = row->name;
  return policy;
}

std::string_view SandboxPolicyName(SandboxPolicyId id) {
  if (id == SandboxPolicyId::kNone) return "none";
  const PolicyRow* row = FindRow(id);
  return row != nullptr ? row->name : "unknown policy";
}

FORKSERVER_LAUNCH_PATH std::optional<SandboxPolicyId> FindSandboxPolicy(std::string_view name) {
  for (const PolicyRow& row : kRows) {
    if (row.name == name) return row.id;
  }
  return std::nullopt;
}

std::span<const SandboxPolicyId> SandboxPolicies() { return kIds; }

std::string SandboxLevelPref(SandboxPolicyId id) {
  return "security.sandbox." + std::string(SandboxPolicyName(id)) + ".level";
}

}  // namespace forkserver
