#include "tests/sandbox/attempt_targets.h"

#include <string.h>

#include <type_traits>

#include "absl/strings/escaping.h"

namespace forkserver::testing {

static_assert(std::is_trivially_copyable_v<AttemptTargets>);
static_assert(std::has_unique_object_representations_v<AttemptTargets>, "no padding");

std::string EncodeTargets(const AttemptTargets& targets) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(&targets), sizeof(targets)));
}

std::optional<AttemptTargets> DecodeTargets(std::string_view text) {
  if (text.size() != 2 * sizeof(AttemptTargets) ||
      text.find_first_not_of("0123456789abcdef") != text.npos) {
    return std::nullopt;
  }
  const std::string bytes = absl::HexStringToBytes(absl::string_view(text.data(), text.size()));
  AttemptTargets targets;
  memcpy(&targets, bytes.data(), sizeof(targets));
  return targets;
}

}  // namespace forkserver::testing
