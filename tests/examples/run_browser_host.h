// The fixture of the tests that run browser_host as a user runs it: a folder for what it is given.
#ifndef TESTS_EXAMPLES_RUN_BROWSER_HOST_H_
#define TESTS_EXAMPLES_RUN_BROWSER_HOST_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver::testing {

inline constexpr char kProgram[] = "examples/browser_host/browser_host";

// Where they are, since a test's own folder has links to them, which lead out of it.
inline std::string Pages() {
  return std::filesystem::canonical("examples/browser_host/pages/field-guide/index.html")
      .parent_path()
      .parent_path();
}

class BrowserHost : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  static ProgramResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kProgram);
    return RunProgram(arguments);
  }

  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

}  // namespace forkserver::testing

#endif  // TESTS_EXAMPLES_RUN_BROWSER_HOST_H_
