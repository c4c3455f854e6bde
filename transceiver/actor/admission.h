// What becomes of a message that has arrived whole, before its handler has it: what an actor's
// Admit (actor.h) says.
//
//     if (!good.ok()) return Admission::Violation(good);
//     return Admission::Grant();
#ifndef TRANSCEIVER_ACTOR_ADMISSION_H_
#define TRANSCEIVER_ACTOR_ADMISSION_H_

#include <stdint.h>

#include <utility>

#include "absl/status/status.h"

namespace forkserver {

class Admission {
 public:
  enum class Verdict : uint8_t { kGranted, kRefused, kViolation };

  // It is handled.
  static Admission Grant() { return Admission(Verdict::kGranted, absl::OkStatus()); }
  // It is not, and nobody is to blame. A call is rejected with `why`, a message that wants no
  // answer is dropped, and the caller of one that was a reply gets `why` in its place.
  static Admission Refuse(absl::Status why) { return Admission(Verdict::kRefused, std::move(why)); }
  // It is not, and the peer has broken the protocol, as if its handler had returned `why`. A call
  // is rejected with it before the actor ends.
  static Admission Violation(absl::Status why) {
    return Admission(Verdict::kViolation, std::move(why));
  }

  Verdict verdict() const { return verdict_; }
  // Ok where it is granted.
  const absl::Status& why() const { return why_; }

 private:
  Admission(Verdict verdict, absl::Status why) : verdict_(verdict), why_(std::move(why)) {}

  Verdict verdict_;
  absl::Status why_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_ADMISSION_H_
