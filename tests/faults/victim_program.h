// What the children of the fault tests run, by their first argument:
//
//     exit N [X]     ends with status N; with 100 where X is not as LaunchManyArguments sends it
//     report         sends what it sees of itself (tests/testing/test_program.h), and its first
//                    packet back
//     wait           waits for the host to hang up
//     leave          sends a packet with its kLeftDescriptor, and ends
//     crash          is killed by a signal
//     files FOLDER   has the broker do one of each of its calls on files below FOLDER, and ends
//                    with the errno of the first that failed
//     connect FOLDER has the broker connect it to FOLDER/socket, and ends in the same way
//
// Their own system calls go past the seam: it is the fork server's that are to fail.
#ifndef TESTS_FAULTS_VICTIM_PROGRAM_H_
#define TESTS_FAULTS_VICTIM_PROGRAM_H_

#include "child/child_program.h"

namespace forkserver::testing {

inline constexpr size_t kLongArgumentBytes = 100'000;
inline constexpr char kLongArgumentByte = 'x';
inline constexpr int kWrongArgument = 100;
inline constexpr int kLeftDescriptor = 7;

class VictimProgram : public ChildProgram {
 public:
  int Run(ChildContext& context) override;
};

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_VICTIM_PROGRAM_H_
