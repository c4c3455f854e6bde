#include "forkserver/model/content_process.h"

#include "absl/strings/str_format.h"
#include "forkserver/model/content_processes.h"

namespace forkserver {

bool ContentProcess::MayShareMemory() const {
  return RowOf(remote_type().kind).shares_memory != SharesMemory::kNo;
}

absl::Status ContentProcess::CheckMayShareMemory() const {
  if (MayShareMemory()) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrFormat("%s may share no memory", Name()));
}

absl::StatusOr<WritableMemory> ContentProcess::CreateSharedMemory(std::string_view name,
                                                                  size_t size) const {
  if (absl::Status may = CheckMayShareMemory(); !may.ok()) return may;
  return WritableMemory::Create(name, size);
}

absl::Status ContentProcess::Check(const BrowserClaim& claim) const {
  return siblings_.browsers().Check(id(), claim);
}

void ContentProcess::OnEnd(const ProcessEnd& end) { siblings_.OnEnd(*this, end); }

}  // namespace forkserver
