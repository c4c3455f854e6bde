#include "child/process_types.h"

#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

constexpr ProcessTypeRow kRows[] = {
    {ProcessType::kParent, "parent", "Host", Launchable::kNo, kNoPool, RecordedUntil::kReady,
     SandboxPolicyId::kNone},
    // Few, and each is asked for by name long before it is needed.
    {ProcessType::kForkServer, "forkserver", "Fork Server", Launchable::kYes, kNoPool,
     RecordedUntil::kReady, SandboxPolicyId::kNone},
    {ProcessType::kContent, "content", "Web Content", Launchable::kYes, PoolBounds(),
     RecordedUntil::kReady, SandboxPolicyId::kContent},
    {ProcessType::kUtility, "utility", "Utility", Launchable::kYes, PoolBounds(),
     RecordedUntil::kReady, SandboxPolicyId::kUtility},
    // What is tested is the launch, from its beginning.
    {ProcessType::kIpcUnitTest, "ipc-unit-test", "IPC Unit Test", Launchable::kYes, kNoPool,
     RecordedUntil::kFirstWork, SandboxPolicyId::kNone},
    {ProcessType::kDummy, "dummy", "Dummy", Launchable::kYes, PoolBounds(), RecordedUntil::kReady,
     SandboxPolicyId::kNone},
    // Of the following a program has one each, or hardly more, for as long as it runs: a blank that
    // waits for the second one is wasted.
    {ProcessType::kMedia, "media", "Media Plug-in", Launchable::kYes, kNoPool,
     RecordedUntil::kReady, SandboxPolicyId::kMedia},
    {ProcessType::kDataDecoder, "data-decoder", "Data Decoder", Launchable::kYes, kNoPool,
     RecordedUntil::kReady, SandboxPolicyId::kDataDecoder},
    {ProcessType::kSocket, "socket", "Socket", Launchable::kYes, kNoPool, RecordedUntil::kReady,
     SandboxPolicyId::kSocket},
    {ProcessType::kGpu, "gpu", "GPU", Launchable::kYes, kNoPool, RecordedUntil::kReady,
     SandboxPolicyId::kGpu},
    {ProcessType::kVr, "vr", "VR", Launchable::kYes, kNoPool, RecordedUntil::kReady,
     SandboxPolicyId::kVr},
};

constexpr bool RowsAreComplete() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<size_t>(kRows[i].type) != i) return false;
    if (kRows[i].name.empty() || kRows[i].name.size() > kMaxProcessNameBytes) return false;
    if (kRows[i].user_facing_name.empty()) return false;
    if (kRows[i].pool.min > kRows[i].pool.max) return false;
  }
  return true;
}
static_assert(RowsAreComplete(), "rows are indexed by number, and each has its names");

constexpr bool EachPolicyIsForSomebody() {
  for (uint8_t i = 1; i < static_cast<uint8_t>(SandboxPolicyId::kCount); ++i) {
    const auto policy = static_cast<SandboxPolicyId>(i);
    int found = 0;
    for (const SandboxPolicyId without : kPoliciesWithoutType) found += without == policy ? 1 : 0;
    for (const ProcessTypeRow& row : kRows) found += row.sandbox == policy ? 1 : 0;
    if (found != 1) return false;
  }
  return true;
}
static_assert(EachPolicyIsForSomebody(),
              "a policy is one type's, or kPoliciesWithoutType says why");

}  // namespace

std::span<const ProcessTypeRow> ProcessTypes() { return kRows; }

FORKSERVER_LAUNCH_PATH const ProcessTypeRow* FindProcessType(uint32_t number) {
  return number < std::size(kRows) ? &kRows[number] : nullptr;
}

std::string_view ProcessTypeName(ProcessType type) {
  const ProcessTypeRow* row = FindProcessType(type);
  return row != nullptr ? row->name : "unknown type";
}

}  // namespace forkserver
