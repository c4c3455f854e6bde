// What became of each launch: every one ends once, and as its kind was to.
//
//     Ledger ledger(launches);
//     ledger.Began();
//     ledger.Ended(7, planned, AsExpected::kNo, "killed by SIGKILL");
//     ledger.lost(), ledger.repeated(), ledger.unexpected()
//
// One byte a launch, all of it touched by the constructor, so that it adds nothing to the memory of
// a host later on. Threads: one at a time.
#ifndef TESTS_SOAK_LEDGER_H_
#define TESTS_SOAK_LEDGER_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "tests/soak/mix.h"

namespace forkserver::soak {

enum class AsExpected : uint8_t { kNo, kYes };

class Ledger {
 public:
  explicit Ledger(size_t launches) : endings_(launches, 0) {}

  void Began() { ++begun_; }
  // `how` is kept of the first few that were not to end so.
  void Ended(size_t launch, const PlannedLaunch& planned, AsExpected expected,
             const std::string& how);

  size_t begun() const { return begun_; }
  size_t ended() const { return ended_; }  // each launch once
  // Begun, and no end was told.
  size_t lost() const { return begun_ - ended_; }
  // Ends beyond the first of a launch.
  size_t repeated() const { return repeated_; }
  size_t unexpected() const { return unexpected_; }
  // "launch 412 (pooled crash): exited with status 3"
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  static constexpr size_t kMostComplaints = 10;

  void Complain(size_t launch, const PlannedLaunch& planned, const std::string& what);

  std::vector<uint8_t> endings_;
  size_t begun_ = 0;
  size_t ended_ = 0;
  size_t repeated_ = 0;
  size_t unexpected_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_LEDGER_H_
