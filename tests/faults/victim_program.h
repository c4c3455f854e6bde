// What the children of the fault tests run, by their first argument:
//
//     exit N         ends with status N
//     wait           waits for the host to hang up
//     crash          is killed by a signal
//     files FOLDER   has the broker do one of each of its calls on files below FOLDER
//
// Their own system calls go past the seam: it is the fork server's that are to fail.
#ifndef TESTS_FAULTS_VICTIM_PROGRAM_H_
#define TESTS_FAULTS_VICTIM_PROGRAM_H_

#include "child/child_program.h"

namespace forkserver::testing {

class VictimProgram : public ChildProgram {
 public:
  int Run(ChildContext& context) override;
};

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_VICTIM_PROGRAM_H_
