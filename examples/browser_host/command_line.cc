#include "examples/browser_host/command_line.h"

#include <getopt.h>

#include <filesystem>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "examples/browser_host/sites.h"

namespace browser_host {
namespace {

using forkserver::SandboxPolicyId;

enum Option : int {
  kHelp = 1000,
  kPrefs,
  kPrintPrefs,
  kDefaultPages,
  kNoSandbox,
  kByName,
  kSandboxReport,
};

constexpr option kOptions[] = {
    {"help", no_argument, nullptr, kHelp},
    {"prefs", required_argument, nullptr, kPrefs},
    {"print-prefs", no_argument, nullptr, kPrintPrefs},
    {"default-pages", required_argument, nullptr, kDefaultPages},
    {"no-sandbox", no_argument, nullptr, kNoSandbox},
    {"by-name", no_argument, nullptr, kByName},
    {"sandbox-report", optional_argument, nullptr, kSandboxReport},
    {nullptr, 0, nullptr, 0},
};

absl::StatusOr<std::vector<SandboxPolicyId>> ParsePolicies(std::string_view name) {
  const std::span<const SandboxPolicyId> all = forkserver::SandboxPolicies();
  if (name == "all") return std::vector<SandboxPolicyId>(all.begin(), all.end());
  if (const auto id = forkserver::FindSandboxPolicy(name)) return std::vector{*id};
  std::vector<std::string> names;
  for (const SandboxPolicyId id : all) names.emplace_back(forkserver::SandboxPolicyName(id));
  return absl::InvalidArgumentError(absl::StrFormat(
      "--sandbox-report: no policy '%s'; there are %s and all", name, absl::StrJoin(names, ", ")));
}

}  // namespace

std::string_view HelpText() {
  return "usage: run [options] [FOLDER|FILE]...\n"
         "\n"
         "Opens HTML pages, each site in a content process of its own, and prints what is in them\n"
         "and what the processes cost. A folder with pages directly in it is one site; of any\n"
         "other folder, each folder in it is one. A file belongs to the site of its folder.\n"
         "\n"
         "  --prefs FILE...            load prefs files in Gecko's syntax; a later one wins; the\n"
         "                             list ends at a folder, an HTML file or an option\n"
         "  --print-prefs              have a child print its prefs: name, type, value\n"
         "  --sandbox-report[=POLICY]  try on this machine which layers of a sandbox hold, and say "
         "why\n"
         "                             others do not; of the policy content, another one, or all.\n"
         "                             Fails where one is missing that the policy requires\n"
         "  --default-pages FOLDER     what to open when no page is named\n"
         "  --no-sandbox               as the pref security.sandbox.content.level = 0 does\n"
         "  --by-name                  have content processes open the pages themselves, which "
         "the\n"
         "                             sandbox refuses (FORKSERVER_SANDBOX_LOG=1 tells of it)\n"
         "  --help                     this text\n";
}

absl::StatusOr<CommandLine> ParseCommandLine(int argc, char** argv) {
  CommandLine line;
  std::string default_pages;
  opterr = 0;
  // '-': arguments that are no options come in their order, as option 1.
  for (int choice; (choice = getopt_long(argc, argv, "-:", kOptions, nullptr)) != -1;) {
    switch (choice) {
      case kHelp:
        line.help = true;
        break;
      case kPrefs:
        line.prefs_files.push_back(optarg);
        // More prefs files may follow, up to what must be a page or an option.
        while (optind < argc && argv[optind][0] != '-' && !LooksLikePages(argv[optind])) {
          line.prefs_files.push_back(argv[optind++]);
        }
        break;
      case kPrintPrefs:
        line.print_prefs = true;
        break;
      case kNoSandbox:
        line.no_sandbox = true;
        break;
      case kByName:
        line.by_name = true;
        break;
      case kDefaultPages:
        default_pages = optarg;
        break;
      case kSandboxReport: {
        absl::StatusOr<std::vector<SandboxPolicyId>> policies =
            ParsePolicies(optarg != nullptr ? optarg : "content");
        if (!policies.ok()) return policies.status();
        line.sandbox_report = *std::move(policies);
        break;
      }
      case 1:
        line.pages.push_back(optarg);
        break;
      case ':':
        return absl::InvalidArgumentError(absl::StrFormat("%s wants a value", argv[optind - 1]));
      default:
        return absl::InvalidArgumentError(
            absl::StrFormat("unknown option %s (--help lists them)",
                            optopt != 0 ? absl::StrFormat("-%c", optopt) : argv[optind - 1]));
    }
  }
  while (optind < argc) line.pages.push_back(argv[optind++]);  // behind "--"
  if (line.pages.empty() && !line.print_prefs && !default_pages.empty()) {
    line.pages.push_back(default_pages);
  }
  if (line.pages.empty() && !line.print_prefs && !line.help && line.sandbox_report.empty()) {
    return absl::InvalidArgumentError("no page named (--help shows how)");
  }
  return line;
}

}  // namespace browser_host
