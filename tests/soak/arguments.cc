#include "tests/soak/arguments.h"

#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace forkserver::soak {

const char kHelp[] =
    "usage: soak [--launches N] [--seed S]\n"
    "\n"
    "  --launches N  how many, after those that warm up (1000000; at most 100000000)\n"
    "  --seed S      which launches: the same number plans the same ones (1)\n"
    "\n"
    "Exit status: 0 if nothing was lost, 1 if something was, 2 for a command line that is wrong.\n";

absl::StatusOr<Arguments> ParseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (name == "--help" || name == "-h") return Arguments{.wants_help = true};
    std::string value;
    if (const size_t equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else if (i + 1 < argc) {
      value = argv[++i];
    }
    uint64_t number = 0;
    const bool is_number = absl::SimpleAtoi(value, &number);
    if (name == "--launches") {
      if (!is_number || number == 0 || number > kMostLaunches) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "--launches wants a number from 1 to %d, not '%s'", kMostLaunches, value));
      }
      arguments.launches = number;
    } else if (name == "--seed") {
      if (!is_number) {
        return absl::InvalidArgumentError(
            absl::StrFormat("--seed wants a number, not '%s'", value));
      }
      arguments.seed = number;
    } else {
      return absl::InvalidArgumentError(
          absl::StrFormat("unknown argument '%s' (--help lists them)", name));
    }
  }
  return arguments;
}

}  // namespace forkserver::soak
