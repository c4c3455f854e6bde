// What a host under test is told, as its first argument. It is told nothing by the environment and
// says what it sees in lines on stdout, so that it can be run with a launcher and without.
//
//   state FILE       writes what it sees of itself into FILE, a line for each thing, and exits
//   exit N           exits with N
//   raise N          dies of signal N, which it gives back its default action
//   tell N           says that its start is over, then dies of signal N
//   tell-exit N      the same, and exits with N
//   wait             says "ready PID", and waits for a signal that ends it
//   signals          says "ready PID", then "signal N value V" for each that comes; SIGQUIT ends
//   it,
//                    with status 7
//   terminal         the same, but for SIGTSTP, which stops it
//   stop-itself      the same, but SIGTSTP has a handler, in which it stops itself by SIGSTOP
//   crash-at-term    says "ready PID", and dies of SIGSEGV when SIGTERM comes
//   close-stdout     says that its start is over, closes stdout, and waits as `wait` does
//   crash FILE N K   adds a line "safe mode X" to FILE, and dies of signal N if there are at most
//   K;
//                    else it says how many there are, and exits with 0
#ifndef TESTS_FORKSERVER_LAUNCHER_TESTED_HOST_H_
#define TESTS_FORKSERVER_LAUNCHER_TESTED_HOST_H_

namespace forkserver::testing {

inline constexpr int kExitAtQuit = 7;

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_LAUNCHER_TESTED_HOST_H_
