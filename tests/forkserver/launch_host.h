// The host of the tests of launches: it has a root and no other template. One of a test whose name
// has DestroyedServer in it is destroyed with what is under way.
#ifndef TESTS_FORKSERVER_LAUNCH_HOST_H_
#define TESTS_FORKSERVER_LAUNCH_HOST_H_

#include <string>
#include <vector>

#include "forkserver/host/fork_server.h"

namespace forkserver::testing {

// As launches are if nobody chooses. Runs test_program.h.
LaunchOptions Options(std::vector<std::string> argv);

// From the root, or not at all.
LaunchOptions FromTheTemplate(std::vector<std::string> argv);

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_LAUNCH_HOST_H_
