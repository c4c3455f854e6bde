// What a program says of its network.
//
//     FetchSetup setup = {.ca_files = {"/home/me/ca.pem"},
//                         .connect_to = {"a.test:443:127.0.0.2:8443"}};
//     setup.ToArguments()       // {"--ca-file=/home/me/ca.pem", "--connect-to=a.test:443:..."}
//
// A value.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_FETCH_SETUP_H_
#define EXAMPLES_BROWSER_HOST_FETCH_FETCH_SETUP_H_

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace browser_host {

struct FetchSetup {
  // PEM, beside the system's: whose word about a server's name is taken, too. Whole paths.
  std::vector<std::string> ca_files = {};
  // "HOST:PORT:OTHER-HOST:OTHER-PORT", each of the four may be empty: connections for HOST and PORT
  // go to the others. The page's address, and the name that its certificate has to have, stay.
  std::vector<std::string> connect_to = {};

  // For the command line of a socket process, and back. InvalidArgument names what is none.
  std::vector<std::string> ToArguments() const;
  static absl::StatusOr<FetchSetup> Parse(std::span<const std::string> arguments);
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_FETCH_SETUP_H_
