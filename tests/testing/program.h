// Runs a program to its end and keeps what it printed. The runner is not forked: posix_spawn.
#ifndef TESTS_TESTING_PROGRAM_H_
#define TESTS_TESTING_PROGRAM_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace forkserver::testing {

struct Program {
  std::vector<std::string> argv;
  std::string path = {};                                     // empty: argv[0]
  std::optional<std::vector<std::string>> environment = {};  // the runner's, if there is none
  absl::Duration patience = absl::Minutes(4);                // it is killed when that is over
};

struct ProgramResult {
  int exit_code = -1;  // -1: it did not start, was killed, or took longer than `patience`
  std::string how;     // the same in words, for messages
  std::string output;
  std::string errors;
};

ProgramResult RunProgram(const Program& program);
// This process's environment and `added`, less what would have a GoogleTest program that is run as
// a victim write the runner's own reports.
std::vector<std::string> VictimEnvironment(const std::vector<std::string>& added);

inline ProgramResult RunProgram(std::vector<std::string> argv) {
  return RunProgram(Program{.argv = std::move(argv)});
}

std::vector<std::string> Lines(const std::string& text);

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_PROGRAM_H_
