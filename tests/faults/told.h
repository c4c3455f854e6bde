// What is to be said of a fault: whoever is told of an error is told the call that failed, or the
// step of the launch that made it, and its errno, all in one line. told.cc lists by caller and call
// where it is a step, and what else is said where nobody can say that.
#ifndef TESTS_FAULTS_TOLD_H_
#define TESTS_FAULTS_TOLD_H_

#include "absl/status/status.h"
#include "tests/faults/seam.h"

namespace forkserver::testing {

// Whether `status`, which is not Ok, says that it was this fault.
bool IsTold(const absl::Status& status, const Fault& fault);

// Whether a template that serves may die of it. Any other fault costs a launch at most.
bool MayEndTemplate(const Fault& fault);

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_TOLD_H_
