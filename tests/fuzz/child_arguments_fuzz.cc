// A child's command line: any arguments are its parent's words or an error that names one of them,
// and what was read is written and read again as the same.
//
// The input is the arguments behind argv[0], each with a NUL behind it but the last.
#include <stddef.h>
#include <stdint.h>

#include <string>
#include <string_view>
#include <vector>

#include "child/process/child_arguments.h"
#include "tests/fuzz/require.h"

namespace forkserver {
namespace {

absl::StatusOr<ChildArguments> Parse(std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  for (std::string& argument : argv) pointers.push_back(argument.data());
  return ChildArguments::Parse(pointers);
}

void FuzzArguments(std::string_view text) {
  std::vector<std::string> argv = {"content"};
  for (;;) {
    const size_t end = text.find('\0');
    argv.emplace_back(text.substr(0, end));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  const absl::StatusOr<ChildArguments> parsed = Parse(argv);
  if (!parsed.ok()) {
    Require(absl::IsInvalidArgument(parsed.status()));
    return;
  }
  std::vector<std::string> written = parsed->ToArgv("content");
  const absl::StatusOr<ChildArguments> again = Parse(written);
  Require(again.ok());
  Require(again->build_id == parsed->build_id && again->parent_pid == parsed->parent_pid &&
          again->child_id == parsed->child_id && again->sandbox == parsed->sandbox &&
          again->remote_type == parsed->remote_type && again->extra == parsed->extra);
  Require(again->ToArgv("content") == written);
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  forkserver::FuzzArguments({reinterpret_cast<const char*>(data), size});
  return 0;
}
