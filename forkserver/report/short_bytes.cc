#include "forkserver/report/short_bytes.h"

#include <string_view>

#include "absl/strings/str_format.h"

namespace forkserver {

std::string ShortBytes(uint64_t bytes) {
  constexpr std::string_view kUnits = "KMGTPE";
  if (bytes < 1024) return absl::StrFormat("%d", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // What would be rounded to 1024 is 1 of the next.
  while (value >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  // Of pages there are no fractions of a KiB.
  const int digits = unit == 0 || value >= 99.95 ? 0 : 1;
  return absl::StrFormat("%.*f%c", digits, value, kUnits[unit]);
}

}  // namespace forkserver
