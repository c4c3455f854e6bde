// What is launched: a stream of launches of all kinds, the same for the same seed.
//
//     Mix mix(seed);
//     const PlannedLaunch planned = mix.Next();       // "pooled sandboxed crash"
//
// A child that exits does so with a status of its own number's, so that one launch's status cannot
// pass for another's.
#ifndef TESTS_SOAK_MIX_H_
#define TESTS_SOAK_MIX_H_

#include <stdint.h>

#include <random>
#include <string>

namespace forkserver::soak {

enum class Conduct : uint8_t {
  kExit,        // ends at once
  kCrash,       // SIGSEGV
  kHang,        // until the host kills it
  kHangUp,      // closes its launch socket at once, and lives until the host has seen that
  kCancel,      // cancelled before the host has waited for anything
  kCancelLate,  // cancelled a turn of the loop later; may be Ready by then, and then it exits
  kCount,
};

enum class Origin : uint8_t { kFork, kPool };
enum class Confinement : uint8_t { kNone, kSandboxed };

struct PlannedLaunch {
  Conduct conduct = Conduct::kExit;
  Origin origin = Origin::kFork;
  Confinement confinement = Confinement::kNone;
  int exit_status = 0;  // of a child that exits

  std::string ToString() const;
};

const char* NameOf(Conduct conduct);

class Mix {
 public:
  explicit Mix(uint64_t seed) : random_(seed) {}

  PlannedLaunch Next();

 private:
  // Its numbers are the standard's, on every machine; those of a std distribution are not.
  std::mt19937_64 random_;
};

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_MIX_H_
