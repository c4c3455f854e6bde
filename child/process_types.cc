#include "child/process_types.h"

#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

constexpr ProcessTypeRow kRows[] = {
    {ProcessType::kParent, "parent", "Host", Launchable::kNo, kNoPool, RecordedUntil::kReady},
    // Few, and each is asked for by name long before it is needed.
    {ProcessType::kForkServer, "forkserver", "Fork Server", Launchable::kYes, kNoPool,
     RecordedUntil::kReady},
    {ProcessType::kContent, "content", "Web Content", Launchable::kYes, PoolBounds(),
     RecordedUntil::kReady},
    {ProcessType::kUtility, "utility", "Utility", Launchable::kYes, PoolBounds(),
     RecordedUntil::kReady},
    // What is tested is the launch, from its beginning.
    {ProcessType::kIpcUnitTest, "ipc-unit-test", "IPC Unit Test", Launchable::kYes, kNoPool,
     RecordedUntil::kFirstWork},
    {ProcessType::kDummy, "dummy", "Dummy", Launchable::kYes, PoolBounds(), RecordedUntil::kReady},
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
