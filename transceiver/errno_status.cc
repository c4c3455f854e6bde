#include "transceiver/errno_status.h"

#include <string.h>

#include "absl/strings/str_format.h"

namespace forkserver {

std::string ErrnoName(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? std::string(name) : absl::StrFormat("errno %d", error);
}

absl::Status ErrnoStatus(int error, std::string_view call_and_object) {
  // Always an error, also for a call that failed without an errno, such as a recv of 0 bytes.
  const absl::StatusCode code = absl::ErrnoToStatusCode(error);
  return absl::Status(code == absl::StatusCode::kOk ? absl::StatusCode::kInternal : code,
                      absl::StrFormat("%s: %s", call_and_object, ErrnoName(error)));
}

}  // namespace forkserver
