#include "examples/browser_host/command_line.h"

#include <getopt.h>
#include <stdint.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <span>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "examples/browser_host/addresses.h"
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
  kPrivate,
  kContainer,
  kPictures,
  kGallery,
  kTrace,
  kTelemetry,
  kCrashReports,
  kCaFile,
  kConnectTo,
  kJson,
};

constexpr option kOptions[] = {
    {"help", no_argument, nullptr, kHelp},
    {"prefs", required_argument, nullptr, kPrefs},
    {"print-prefs", no_argument, nullptr, kPrintPrefs},
    {"default-pages", required_argument, nullptr, kDefaultPages},
    {"no-sandbox", no_argument, nullptr, kNoSandbox},
    {"by-name", no_argument, nullptr, kByName},
    {"private", no_argument, nullptr, kPrivate},
    {"container", required_argument, nullptr, kContainer},
    {"gallery", required_argument, nullptr, kGallery},
    {"pictures", required_argument, nullptr, kPictures},
    {"trace", required_argument, nullptr, kTrace},
    {"telemetry", required_argument, nullptr, kTelemetry},
    {"crash-reports", required_argument, nullptr, kCrashReports},
    {"ca-file", required_argument, nullptr, kCaFile},
    {"connect-to", required_argument, nullptr, kConnectTo},
    {"json", no_argument, nullptr, kJson},
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

// Of an option whose value is a name, which may not be empty; null for others.
const char* WhatItNames(int option) {
  switch (option) {
    case kPrefs:
      return "--prefs: the name of a file";
    case kPictures:
      return "--pictures: the name of a folder";
    case kGallery:
      return "--gallery: the name of a file";
    case kTrace:
      return "--trace: the name of a file";
    case kTelemetry:
      return "--telemetry: the name of a file";
    case kCrashReports:
      return "--crash-reports: the name of a folder";
    case kCaFile:
      return "--ca-file: the name of a file";
  }
  return nullptr;
}

constexpr char kAboutProcesses[] = "about:processes";

absl::StatusOr<uint32_t> ParseContainer(const char* text) {
  uint32_t container = 0;
  if (absl::SimpleAtoi(text, &container) && container != 0) return container;
  return absl::InvalidArgumentError(
      absl::StrFormat("--container %s: a container is a number from 1 to %d", text, UINT32_MAX));
}

// A host may be in brackets, with colons in it.
absl::Status CheckConnectTo(const std::string& text) {
  const bool has_four = std::count(text.begin(), text.end(), ':') >= 3;
  const std::string port = text.substr(text.rfind(':') + 1);
  uint32_t number = 0;
  const bool is_port = port.empty() || (absl::SimpleAtoi(port, &number) && number <= 65'535);
  if (has_four && is_port) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("--connect-to %s: not HOST:PORT:OTHER-HOST:OTHER-PORT", text));
}

// Files of file: URLs and about: pages are no site's, and nobody needs any to be served for them;
// but about:processes is there to show the processes of pages.
bool WantsDefaultPages(const std::vector<std::string>& pages, bool are_for_processes) {
  return std::all_of(pages.begin(), pages.end(), IsUrl) &&
         (are_for_processes || pages.empty() ||
          !std::all_of(pages.begin(), pages.end(), [](const std::string& page) {
            return absl::StartsWithIgnoreCase(page, "file:") ||
                   absl::StartsWithIgnoreCase(page, "about:");
          }));
}

}  // namespace

std::string_view HelpText() {
  return "usage: run [options] [about:processes] [FOLDER|FILE|URL]...\n"
         "\n"
         "Opens HTML pages, each site in a content process of its own, and prints what is in them\n"
         "and what the processes cost. A folder with pages directly in it is one site; of any\n"
         "other folder, each folder in it is one. A file belongs to the site of its folder.\n"
         "The site of folder NAME is https://NAME.test, in lower case and with - for what no host\n"
         "has in it; of two that would be the same, the second is https://NAME-2.test.\n"
         "Links that lead out of a folder or to folders, and what is no file, are passed over;\n"
         "a pipe or a device that is named itself is an error of that page.\n"
         "With URLs, what is named is opened, and a folder is only served: of it the pages that\n"
         "https: URLs name. A file: URL goes to a process that may read that file. Others are\n"
         "fetched by the socket process, but for hosts below .test, which nobody has.\n"
         "\n"
         "Pages are printed when all are done; stderr says how far it is. SIGINT, SIGTERM and\n"
         "SIGHUP end the processes, and print what was done; the exit status is then 130, 143 or\n"
         "129. A page that hangs is waited for, five seconds at most; a second signal ends all\n"
         "at once. The exit status is 1 where a page has an error, or anything else could not be\n"
         "done, and 2 of options that cannot be.\n"
         "\n"
         "about:config shows the prefs, about:config?NAME those with that in their name, and\n"
         "about:config?set=NAME=VALUE sets one, for as long as this runs: processes that run hear\n"
         "of it. Named before what is to be opened it is done before that; else beside it.\n"
         "about:crash, about:hang and about:oom break their process. Beside about: pages a folder\n"
         "is opened as it is without them.\n"
         "\n"
         "With about:processes the last page of each site stays open. With --pictures or "
         "--gallery\n"
         "it is a page, which is opened when all others are done; else a table of all processes\n"
         "is shown, anew each second, until q or Ctrl-C; where stdout is no terminal, once, when\n"
         "all pages are done.\n"
         "\n"
         "  --json                     of about:processes: one report as JSON\n"
         "  --prefs FILE...            load prefs files in Gecko's syntax; a later one wins; the\n"
         "                             list ends at a folder, an HTML file, a URL or an option.\n"
         "                             A broken statement is a warning, and left out up to its ;\n"
         "                             those before and after it count\n"
         "  --print-prefs              have a child print its prefs: name, type, value\n"
         "  --sandbox-report[=POLICY]  try on this machine which layers of a sandbox hold, and say "
         "why\n"
         "                             others do not; of the policy content, another one, or all,\n"
         "                             at the level that --prefs or --no-sandbox give it.\n"
         "                             Fails where one is missing that the policy requires\n"
         "  --default-pages FOLDER     what to open when no page is named\n"
         "  --private                  open all in private browsing\n"
         "  --container N              open all in container N\n"
         "  --pictures FOLDER          paint each page, and write it to FOLDER as a PNG file\n"
         "  --gallery FILE             the same, and write FILE, a page of HTML with all pictures, "
         "how\n"
         "                             long they took, and the processes; the pictures are in\n"
         "                             FILE.pictures where --pictures says nothing else\n"
         "  --trace FILE               write what launches and templates do to FILE, for\n"
         "                             ui.perfetto.dev (docs/traces.md)\n"
         "  --telemetry FILE           write what processes have counted, and what was counted of\n"
         "                             them, to FILE, as JSON, when all is done "
         "(docs/telemetry.md)\n"
         "  --crash-reports FOLDER     write a report of each process that crashes, is killed or\n"
         "                             late to FOLDER, 100 at most (docs/crash-reports.md)\n"
         "  --ca-file FILE             take the word of these certificates (PEM) about servers of\n"
         "                             https: URLs, too; more than once where there are several\n"
         "  --connect-to H:P:H2:P2     for URLs of host H and port P connect to H2 and P2 "
         "instead;\n"
         "                             each may be empty: any, or the same\n"
         "  --no-sandbox               as the prefs security.sandbox.content.level and\n"
         "                             security.sandbox.file-content.level = 0 do\n"
         "  --by-name                  have content processes open the pages themselves, which "
         "the\n"
         "                             sandbox refuses (FORKSERVER_SANDBOX_LOG=1 tells of it)\n"
         "  -h, --help                 this text\n";
}

absl::StatusOr<CommandLine> ParseCommandLine(int argc, char** argv) {
  CommandLine line;
  std::string default_pages;
  bool is_with_attributes = false;
  std::set<int> named;
  opterr = 0;
  // '-': arguments that are no options come in their order, as option 1.
  for (int choice; (choice = getopt_long(argc, argv, "-:h", kOptions, nullptr)) != -1;) {
    if (const char* const what = WhatItNames(choice); what != nullptr) {
      if (*optarg == '\0') return absl::InvalidArgumentError(absl::StrCat(what, " is empty"));
      // A file of such a name is ./--name.
      if (absl::StartsWith(optarg, "--")) {
        return absl::InvalidArgumentError(
            absl::StrFormat("%s is missing: %s is an option", what, optarg));
      }
      if (choice != kPrefs && choice != kCaFile && !named.insert(choice).second) {
        return absl::InvalidArgumentError(absl::StrCat(what, " is given twice"));
      }
    }
    switch (choice) {
      case kHelp:
      case 'h':
        line.help = true;
        break;
      case kPrefs:
        line.prefs_files.push_back(optarg);
        // More prefs files may follow, up to what must be a page or an option.
        while (optind < argc && argv[optind][0] != '-' && !LooksLikePages(argv[optind]) &&
               !IsUrl(argv[optind])) {
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
      case kPrivate:
        line.attributes.private_browsing_id = 1;
        is_with_attributes = true;
        break;
      case kContainer: {
        const absl::StatusOr<uint32_t> container = ParseContainer(optarg);
        if (!container.ok()) return container.status();
        line.attributes.user_context_id = *container;
        is_with_attributes = true;
        break;
      }
      case kPictures:
        line.pictures = optarg;
        break;
      case kGallery:
        line.gallery = optarg;
        break;
      case kTrace:
        line.trace = optarg;
        break;
      case kTelemetry:
        line.telemetry = optarg;
        break;
      case kCrashReports:
        line.crash_reports = optarg;
        break;
      case kCaFile:
        line.network.ca_files.push_back(std::filesystem::absolute(optarg).string());
        break;
      case kConnectTo:
        line.network.connect_to.push_back(optarg);
        break;
      case kDefaultPages:
        default_pages = optarg;
        break;
      case kJson:
        line.json = true;
        break;
      case kSandboxReport: {
        absl::StatusOr<std::vector<SandboxPolicyId>> policies =
            ParsePolicies(optarg != nullptr ? optarg : "content");
        if (!policies.ok()) return policies.status();
        line.sandbox_report = *std::move(policies);
        break;
      }
      case 1:
        if (std::string_view(optarg) == kAboutProcesses) {
          line.about_processes = true;
        } else {
          line.pages.push_back(optarg);
        }
        break;
      case ':':
        return absl::InvalidArgumentError(absl::StrFormat("%s wants a value", argv[optind - 1]));
      default:
        // Of a long option that there is, what it is; of an unknown letter, that.
        if (optopt >= kHelp) {
          return absl::InvalidArgumentError(
              absl::StrFormat("%s: takes no value", argv[optind - 1]));
        }
        return absl::InvalidArgumentError(
            absl::StrFormat("unknown option %s (--help lists them)",
                            optopt != 0 ? absl::StrFormat("-%c", optopt) : argv[optind - 1]));
    }
  }
  while (optind < argc) line.pages.push_back(argv[optind++]);  // behind "--"
  for (const auto& [names, what] : {std::pair(&line.prefs_files, "--prefs: the name of a file"),
                                    std::pair(&line.pages, "the name of a page")}) {
    if (std::find(names->begin(), names->end(), "") != names->end()) {
      return absl::InvalidArgumentError(absl::StrCat(what, " is empty"));
    }
  }
  if (!line.sandbox_report.empty() && !line.pages.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: no pages beside --sandbox-report; another policy is --sandbox-report=NAME",
        line.pages.front()));
  }
  const bool wants_pictures = !line.pictures.empty() || !line.gallery.empty();
  if (!line.sandbox_report.empty() &&
      (line.print_prefs || line.by_name || is_with_attributes || !line.trace.empty() ||
       !line.telemetry.empty() || !line.crash_reports.empty() || wants_pictures)) {
    return absl::InvalidArgumentError(
        "--print-prefs, --by-name, --private, --container, --pictures, --gallery, --trace, "
        "--telemetry and --crash-reports say nothing beside --sandbox-report");
  }
  const bool is_about_processes = line.about_processes;
  if (line.about_processes && wants_pictures) {
    // A page like others, and no table.
    line.about_processes = false;
    line.pages.emplace_back(kAboutProcesses);
  }
  if (line.about_processes && (!line.sandbox_report.empty() || line.print_prefs)) {
    return absl::InvalidArgumentError(
        "about:processes is asked for without --print-prefs and --sandbox-report");
  }
  if (line.json && !line.about_processes) {
    return absl::InvalidArgumentError(
        "--json says nothing without about:processes, and nothing of its page (--pictures, "
        "--gallery)");
  }
  for (const std::string& one : line.network.connect_to) {
    if (absl::Status good = CheckConnectTo(one); !good.ok()) return good;
  }
  const bool asks_for_no_page = line.pages.empty() && line.print_prefs;
  if (asks_for_no_page && wants_pictures) {
    return absl::InvalidArgumentError("--pictures and --gallery want a page to be named");
  }
  if (!asks_for_no_page && !default_pages.empty() &&
      WantsDefaultPages(line.pages, is_about_processes)) {
    line.pages.push_back(default_pages);
  }
  if (line.pages.empty() && !line.print_prefs && !line.help && line.sandbox_report.empty()) {
    return absl::InvalidArgumentError("no page named (--help shows how)");
  }
  return line;
}

}  // namespace browser_host
