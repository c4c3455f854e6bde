#include "forkserver/host/child_debugging.h"

#include <stdlib.h>

#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child/process_types.h"
#include "transceiver/one_line.h"
#include "transceiver/stderr_line.h"

namespace forkserver {
namespace {

constexpr char kProcess[] = "FORKSERVER_DEBUG_CHILD_PROCESS";
constexpr char kPause[] = "FORKSERVER_DEBUG_CHILD_PAUSE";

constexpr uint32_t kMostSeconds = 24 * 60 * 60;

std::string Refusal(const char* variable, std::string_view value, const std::string& why) {
  constexpr size_t kMostShown = 100;
  return absl::StrFormat("%s=%s: %s", variable, OneLine(value.substr(0, kMostShown)), why);
}

std::optional<ProcessType> FindLaunchableType(std::string_view name) {
  for (const ProcessType type : kLaunchableProcessTypes) {
    if (ProcessTypeName(type) == name) return type;
  }
  return std::nullopt;
}

// What is wrong with it, or nothing.
std::string ParsePause(std::string_view value, ChildDebugging& debugging) {
  const size_t colon = value.find(':');
  const std::string_view number = value.substr(0, colon);
  uint32_t seconds = 0;
  // SimpleAtoi takes a sign and spaces.
  if (number.find_first_not_of("0123456789") != number.npos ||
      !absl::SimpleAtoi(absl::string_view(number.data(), number.size()), &seconds) ||
      seconds > kMostSeconds) {
    return absl::StrFormat("not seconds[:type] with 0 to %d seconds", kMostSeconds);
  }
  ProcessTypeSet types = kLaunchableProcessTypes;
  if (colon != value.npos) {
    const std::optional<ProcessType> type = FindLaunchableType(value.substr(colon + 1));
    if (!type) {
      return absl::StrCat("no type of a child is called so; there are ",
                          ProcessTypeNames(kLaunchableProcessTypes));
    }
    types = {*type};
  }
  debugging = {.types = types, .pause_seconds = seconds};
  return {};
}

}  // namespace

ChildDebugging ParseChildDebugging(const char* process, const char* pause,
                                   std::vector<std::string>& errors) {
  ChildDebugging debugging;
  const std::string_view asked = process != nullptr ? process : "";
  if (asked == "1") {
    debugging.types = kLaunchableProcessTypes;
  } else if (!asked.empty() && asked != "0") {
    errors.push_back(Refusal(kProcess, asked, "neither 0 nor 1"));
  }
  const std::string_view value = pause != nullptr ? pause : "";
  if (value.empty()) return debugging;
  if (std::string why = ParsePause(value, debugging); !why.empty()) {
    errors.push_back(Refusal(kPause, value, why));
  }
  return asked == "0" ? ChildDebugging() : debugging;
}

bool IsTraced(pid_t pid) {
  std::ifstream status(absl::StrFormat("/proc/%d/status", pid));
  constexpr std::string_view kField = "TracerPid:";
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, kField.size(), kField) == 0) return atoi(line.c_str() + kField.size()) != 0;
  }
  return false;
}

ChildDebugging ReadChildDebugging() {
  std::vector<std::string> errors;
  const ChildDebugging debugging = ParseChildDebugging(getenv(kProcess), getenv(kPause), errors);
  for (const std::string& error : errors) WriteStderrLine(error + "\n");
  return debugging;
}

}  // namespace forkserver
