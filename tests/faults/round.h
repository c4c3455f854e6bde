// One run of a scenario: the steps that it took, what came of each, and what is wrong although they
// say that all is well.
#ifndef TESTS_FAULTS_ROUND_H_
#define TESTS_FAULTS_ROUND_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace forkserver::testing {

struct Round {
  struct Step {
    std::string what;
    absl::Status status;
  };

  int argc;
  char** argv;
  std::vector<Step> steps = {};
  std::string wrong = {};

  bool Note(std::string what, absl::Status status) {
    const bool good = status.ok();
    steps.push_back({std::move(what), std::move(status)});
    return good;
  }
};

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_ROUND_H_
