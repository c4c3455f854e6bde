// A terminal with a user at it, of whom the test plays the part.
//
//     Terminal terminal;
//     StartedProgram program({.argv = {...}, .terminal = terminal.name()});
//     ASSERT_TRUE(terminal.Shows("ready"));
//     terminal.Type("q");
#ifndef TESTS_FORKSERVER_LAUNCHER_TERMINAL_H_
#define TESTS_FORKSERVER_LAUNCHER_TERMINAL_H_

#include <gtest/gtest.h>

#include <string>

#include "transceiver/unique_fd.h"

namespace forkserver::testing {

class Terminal {
 public:
  Terminal();

  // Of the program's side.
  std::string name() const;
  // The user's side, for tcgetattr(3) and TIOCSWINSZ.
  int fd() const { return user_.get(); }

  // Nothing can be done with it after that.
  void HangUp() { user_.reset(); }

  void Type(const std::string& text);
  // Reads until the terminal has shown it, for half a minute, and says what came before it.
  ::testing::AssertionResult Shows(const std::string& text, std::string* before = nullptr);

 private:
  UniqueFd user_;
  std::string shown_;
};

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_LAUNCHER_TERMINAL_H_
