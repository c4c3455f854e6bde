#include "tests/soak/ledger.h"

#include "absl/strings/str_format.h"

namespace forkserver::soak {

void Ledger::Ended(size_t launch, const PlannedLaunch& planned, AsExpected expected,
                   const std::string& how) {
  if (endings_[launch] != 0) {
    ++repeated_;
    return Complain(launch, planned, "ended once more: " + how);
  }
  endings_[launch] = 1;
  ++ended_;
  if (expected == AsExpected::kYes) return;
  ++unexpected_;
  Complain(launch, planned, how);
}

void Ledger::Complain(size_t launch, const PlannedLaunch& planned, const std::string& what) {
  if (complaints_.size() == kMostComplaints) return;
  complaints_.push_back(absl::StrFormat("launch %d (%s): %s", launch, planned.ToString(), what));
}

}  // namespace forkserver::soak
