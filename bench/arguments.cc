#include "bench/arguments.h"

#include <getopt.h>
#include <limits.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace bench {
namespace {

enum Option : int {
  kOptionQuick = 1000,
  kOptionFilter,
  kOptionJson,
  kOptionRounds,
  kOptionPhases,
  kOptionPlot,
  kOptionLargest,
  kOptionSyscalls,
  kOptionHelp
};

constexpr option kOptions[] = {{"quick", no_argument, nullptr, kOptionQuick},
                               {"filter", required_argument, nullptr, kOptionFilter},
                               {"json", required_argument, nullptr, kOptionJson},
                               {"rounds", required_argument, nullptr, kOptionRounds},
                               {"phases", no_argument, nullptr, kOptionPhases},
                               {"plot", required_argument, nullptr, kOptionPlot},
                               {"largest", required_argument, nullptr, kOptionLargest},
                               {"syscalls", no_argument, nullptr, kOptionSyscalls},
                               {"help", no_argument, nullptr, kOptionHelp},
                               {nullptr, 0, nullptr, 0}};

absl::StatusOr<int> PositiveNumber(const char* option, const char* text) {
  int number;
  if (absl::SimpleAtoi(text, &number) && number > 0) return number;
  return absl::InvalidArgumentError(
      absl::StrFormat("%s wants a number above 0, not '%s'", option, text));
}

// One task a run.
absl::Status Choose(Arguments::Task task, Arguments& arguments) {
  if (arguments.task != Arguments::Task::kRows && arguments.task != task) {
    return absl::InvalidArgumentError("--phases, --plot and --syscalls: only one of them");
  }
  arguments.task = task;
  return absl::OkStatus();
}

}  // namespace

const char kHelp[] =
    "usage: bench [--quick] [--filter RE] [--json FILE] [--rounds N]\n"
    "       bench --plot DIR [--quick] [--largest MIB] [--rounds N]\n"
    "       bench --phases | --syscalls | --parts\n"
    "\n"
    "  --quick        fewer rounds: about a minute and a quarter on an idle machine\n"
    "  --filter RE    only rows whose name matches, with their baselines\n"
    "  --json FILE    write the results there too\n"
    "  --rounds N     at most N rounds of each group of rows\n"
    "  --plot DIR     latencies, growth with the template's size, launches per second: drawn\n"
    "                 into DIR, with their figures beside them\n"
    "  --largest MIB  the largest template to plot (4096: takes 10 GiB of memory)\n"
    "  --phases       where the time of a launch goes, step by step\n"
    "  --syscalls     system calls of a launch, in host, template and child\n"
    "\n"
    "tools/bench --parts [FLAGS] measures frame, Plan and prefs alone, with Google Benchmark.\n";

absl::StatusOr<Arguments> ParseArguments(int argc, char** argv) {
  Arguments arguments;
  absl::Status chosen;
  bool is_with_largest = false;
  opterr = 0;
  for (int choice; (choice = getopt_long(argc, argv, "+:", kOptions, nullptr)) != -1;) {
    switch (choice) {
      case kOptionQuick:
        arguments.extent.pace = Pace::kQuick;
        break;
      case kOptionFilter:
        arguments.filter = optarg;
        break;
      case kOptionJson:
        arguments.json = optarg;
        break;
      case kOptionRounds: {
        const absl::StatusOr<int> rounds = PositiveNumber("--rounds", optarg);
        if (!rounds.ok()) return rounds.status();
        arguments.extent.max_rounds = *rounds;
        break;
      }
      case kOptionPhases:
        chosen.Update(Choose(Arguments::Task::kPhases, arguments));
        break;
      case kOptionPlot:
        chosen.Update(Choose(Arguments::Task::kPlot, arguments));
        arguments.plot_folder = optarg;
        break;
      case kOptionLargest: {
        const absl::StatusOr<int> largest = PositiveNumber("--largest", optarg);
        if (!largest.ok()) return largest.status();
        arguments.largest = {*largest};
        is_with_largest = true;
        break;
      }
      case kOptionSyscalls:
        chosen.Update(Choose(Arguments::Task::kSyscalls, arguments));
        break;
      case kOptionHelp:
        arguments.task = Arguments::Task::kHelp;
        return arguments;
      case ':':
        return absl::InvalidArgumentError(absl::StrFormat("%s wants a value", argv[optind - 1]));
      default:
        // Of a long option that there is, its number; of an unknown letter, that.
        if (optopt > CHAR_MAX) {
          return absl::InvalidArgumentError(
              absl::StrFormat("%s: takes no value", argv[optind - 1]));
        }
        return absl::InvalidArgumentError(
            absl::StrFormat("unknown option %s (--help lists them)",
                            optopt != 0 ? absl::StrFormat("-%c", optopt) : argv[optind - 1]));
    }
  }
  if (optind < argc) {
    return absl::InvalidArgumentError(absl::StrFormat("unexpected argument %s", argv[optind]));
  }
  if (!chosen.ok()) return chosen;
  if (is_with_largest && arguments.task != Arguments::Task::kPlot) {
    return absl::InvalidArgumentError("--largest goes with --plot only");
  }
  if (arguments.task != Arguments::Task::kRows &&
      !(arguments.filter.empty() && arguments.json.empty())) {
    return absl::InvalidArgumentError("--filter and --json go with the table of rows only");
  }
  return arguments;
}

}  // namespace bench
