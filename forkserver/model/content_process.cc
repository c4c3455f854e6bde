#include "forkserver/model/content_process.h"

#include "forkserver/model/content_processes.h"

namespace forkserver {

bool ContentProcess::MayShareMemory() const {
  return RowOf(remote_type().kind).shares_memory != SharesMemory::kNo;
}

absl::Status ContentProcess::Check(const BrowserClaim& claim) const {
  return siblings_.browsers().Check(id(), claim);
}

void ContentProcess::OnEnd(const ProcessEnd& end) { siblings_.OnEnd(*this, end); }

}  // namespace forkserver
