// One line of /proc/PID/stat, by the numbers that proc(5) gives its fields.
//
//     const std::optional<StatFields> stat = StatFields::Parse(text);
//     pid_t parent;
//     if (stat && stat->Number(StatFields::kParent, parent)) ...
//
// The name is the process's own, and may have blanks, brackets and line ends in it. Views into the
// text, which has to live as long. Threads: any.
#ifndef FORKSERVER_HOST_STAT_FIELDS_H_
#define FORKSERVER_HOST_STAT_FIELDS_H_

#include <stddef.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace forkserver {

class StatFields {
 public:
  static constexpr size_t kState = 3;
  static constexpr size_t kParent = 4;
  static constexpr size_t kStartTime = 22;  // in clock ticks since the boot
  static constexpr size_t kStartBrk = 47;   // 0 for who may not know

  // Nothing: it is no such line.
  static std::optional<StatFields> Parse(absl::string_view text);

  absl::string_view name() const { return name_; }
  // From kState on. Empty: there is none.
  absl::string_view Text(size_t field) const {
    const size_t i = field - kState;
    return i < fields_.size() ? fields_[i] : absl::string_view();
  }
  // False: there is none, or it is no number of this type.
  template <typename T>
  bool Number(size_t field, T& value) const {
    return absl::SimpleAtoi(Text(field), &value);
  }

 private:
  StatFields(absl::string_view name, std::vector<absl::string_view> fields)
      : name_(name), fields_(std::move(fields)) {}

  absl::string_view name_;
  std::vector<absl::string_view> fields_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_STAT_FIELDS_H_
