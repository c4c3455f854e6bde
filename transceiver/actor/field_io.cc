#include "transceiver/actor/field_io.h"

#include "absl/strings/str_format.h"
#include "transceiver/launch_path.h"

namespace forkserver {

void FieldFaults::Fail(std::string_view fault) {
  if (ok()) fault_ = absl::StrFormat("field %d: %s", field_, fault);
}

void FieldFaults::FailLimit(uint64_t found, uint64_t limit, std::string_view unit) {
  Fail(absl::StrFormat("%d %s, at most %d", found, unit, limit));
}

absl::Status FieldFaults::status(std::string_view message) const {
  if (ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat("%s %s", message, fault_));
}

FORKSERVER_LAUNCH_PATH absl::Status FieldReader::End(std::string_view message) const {
  if (!ok()) return status(message);
  if (!payload_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %d bytes left over", message, payload_.size()));
  }
  if (!descriptors_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %d descriptors left over", message, descriptors_.size()));
  }
  return absl::OkStatus();
}

}  // namespace forkserver
