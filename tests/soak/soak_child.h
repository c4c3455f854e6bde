// What the children of a soak do, by the name of a Conduct and an exit status:
//
//     {"soak-child", "hang-up", "17"}
//
// "hang-up" reads kHoldDescriptor to its end before it exits: the host closes its side when it has
// seen the launch socket close.
#ifndef TESTS_SOAK_SOAK_CHILD_H_
#define TESTS_SOAK_SOAK_CHILD_H_

#include "child/child_program.h"

namespace forkserver::soak {

inline constexpr int kHoldDescriptor = 5;

class SoakChild : public ChildProgram {
 public:
  int Run(ChildContext& context) override;
};

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_SOAK_CHILD_H_
