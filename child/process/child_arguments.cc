#include "child/process/child_arguments.h"

#include <stdint.h>

#include <charconv>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

constexpr std::string_view kBuildId = "-buildID";
constexpr std::string_view kParentPid = "-parentPid";
constexpr std::string_view kChildId = "-childID";
constexpr std::string_view kSandbox = "-sandbox";
constexpr std::string_view kRemoteType = "-remoteType";
constexpr std::string_view kNames[] = {kBuildId, kParentPid, kChildId, kSandbox, kRemoteType};
constexpr std::string_view kEndOfOurs = "--";

template <typename T>
bool ReadNumber(std::string_view text, T& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// 0: it is none of ours.
FORKSERVER_LAUNCH_PATH uint32_t BitOf(std::string_view name) {
  uint32_t bit = 1;
  for (const std::string_view known : kNames) {
    if (known == name) return bit;
    bit <<= 1;
  }
  return 0;
}

absl::Status Wrong(std::string_view argument, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrFormat("argument %s: %s", argument, what));
}

}  // namespace

std::vector<std::string> ChildArguments::ToArgv(std::string_view name) const {
  std::vector<std::string> argv = {std::string(name),
                                   absl::StrFormat("%s=%016x", kBuildId, build_id),
                                   absl::StrFormat("%s=%d", kParentPid, parent_pid),
                                   absl::StrFormat("%s=%d", kChildId, child_id)};
  if (!sandbox.empty()) argv.push_back(absl::StrFormat("%s=%s", kSandbox, sandbox));
  if (!remote_type.empty()) argv.push_back(absl::StrFormat("%s=%s", kRemoteType, remote_type));
  if (!extra.empty()) {
    argv.emplace_back(kEndOfOurs);
    argv.insert(argv.end(), extra.begin(), extra.end());
  }
  return argv;
}

FORKSERVER_LAUNCH_PATH absl::StatusOr<ChildArguments> ChildArguments::Parse(
    std::span<char* const> argv) {
  ChildArguments arguments;
  uint32_t seen = 0;  // a bit of each of kNames
  for (size_t i = 1; i < argv.size(); ++i) {
    const std::string_view argument = argv[i];
    if (argument == kEndOfOurs) {
      arguments.extra.assign(argv.begin() + static_cast<ptrdiff_t>(i) + 1, argv.end());
      break;
    }
    const size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    if (equals == argument.npos) return Wrong(argument, "not one of NAME=VALUE");
    const std::string_view value = argument.substr(equals + 1);
    const uint32_t bit = BitOf(name);
    if ((seen & bit) != 0) return Wrong(argument, "twice");
    seen |= bit;
    bool good = true;
    if (name == kBuildId) {
      good = ReadNumber(value, arguments.build_id, 16);
    } else if (name == kParentPid) {
      good = ReadNumber(value, arguments.parent_pid, 10);
    } else if (name == kChildId) {
      good = ReadNumber(value, arguments.child_id, 10);
    } else if (name == kSandbox) {
      arguments.sandbox = value;
    } else if (name == kRemoteType) {
      arguments.remote_type = value;
    } else {
      return Wrong(argument, "unknown");
    }
    if (!good) return Wrong(argument, "not a number");
  }
  for (const std::string_view needed : {kBuildId, kParentPid, kChildId}) {
    if ((seen & BitOf(needed)) == 0) return Wrong(needed, "missing");
  }
  return arguments;
}

}  // namespace forkserver
