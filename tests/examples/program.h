// Runs a program as a user would, and keeps what it printed.
#ifndef TESTS_EXAMPLES_PROGRAM_H_
#define TESTS_EXAMPLES_PROGRAM_H_

#include <string>
#include <vector>

namespace forkserver::testing {

struct ProgramResult {
  int exit_code = -1;  // -1: it did not start, was killed, or took more than a minute
  std::string output;
  std::string errors;
};

ProgramResult RunProgram(const std::vector<std::string>& argv);

std::vector<std::string> Lines(const std::string& text);

}  // namespace forkserver::testing

#endif  // TESTS_EXAMPLES_PROGRAM_H_
