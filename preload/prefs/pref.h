// What a pref is: a name with a default value, a user value or both, of one type.
//
// The effective value is the user's, unless there is none or the pref is locked. `sticky` marks
// a pref whose user value is kept even where it equals the default.
#ifndef PRELOAD_PREFS_PREF_H_
#define PRELOAD_PREFS_PREF_H_

#include <stdint.h>

#include <string>
#include <string_view>
#include <variant>

namespace forkserver {

enum class PrefType : uint8_t { kBool = 1, kInt = 2, kString = 3 };

// In the order of PrefType, so that index() + 1 is the type.
using PrefValue = std::variant<bool, int32_t, std::string>;
using PrefValueView = std::variant<bool, int32_t, std::string_view>;

template <typename Value>
PrefType TypeOf(const Value& value) {
  return static_cast<PrefType>(value.index() + 1);
}

inline std::string_view PrefTypeName(PrefType type) {
  switch (type) {
    case PrefType::kBool:
      return "bool";
    case PrefType::kInt:
      return "int";
    case PrefType::kString:
      return "string";
  }
  return "?";
}

}  // namespace forkserver

#endif  // PRELOAD_PREFS_PREF_H_
