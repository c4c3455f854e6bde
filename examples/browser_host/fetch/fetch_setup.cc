#include "examples/browser_host/fetch/fetch_setup.h"

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace browser_host {
namespace {

constexpr std::string_view kCaFile = "--ca-file=";
constexpr std::string_view kConnectTo = "--connect-to=";

}  // namespace

std::vector<std::string> FetchSetup::ToArguments() const {
  std::vector<std::string> arguments;
  for (const std::string& file : ca_files) arguments.push_back(std::string(kCaFile) + file);
  for (const std::string& one : connect_to) arguments.push_back(std::string(kConnectTo) + one);
  return arguments;
}

absl::StatusOr<FetchSetup> FetchSetup::Parse(std::span<const std::string> arguments) {
  FetchSetup setup;
  for (const std::string& argument : arguments) {
    if (argument.starts_with(kCaFile)) {
      setup.ca_files.push_back(argument.substr(kCaFile.size()));
    } else if (argument.starts_with(kConnectTo)) {
      setup.connect_to.push_back(argument.substr(kConnectTo.size()));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(argument, ": no argument of a socket process"));
    }
  }
  return setup;
}

}  // namespace browser_host
