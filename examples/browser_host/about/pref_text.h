// Prefs as text, as about:config shows and edits them.
#ifndef EXAMPLES_BROWSER_HOST_ABOUT_PREF_TEXT_H_
#define EXAMPLES_BROWSER_HOST_ABOUT_PREF_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/about/about_messages.h"
#include "preload/prefs/pref.h"

namespace browser_host {

AboutPrefKind KindOf(forkserver::PrefType type);
// "bool", "int", "string"
std::string_view KindName(AboutPrefKind kind);

// "true", "-7", or the text itself.
std::string TextOfPref(const forkserver::PrefValueView& value);

// InvalidArgument: empty, over kMaxPrefNameBytes, or with control characters.
absl::Status CheckPrefName(std::string_view name);

// The statement of a prefs file that gives it that user value (preload/prefs/prefs_parser.h), with
// every byte that could end a string escaped. InvalidArgument, of the value: "'x' is no int of 32
// bits", "'1' is neither true nor false", "a NUL in it", "4097 bytes, over 4096".
absl::StatusOr<std::string> UserPref(std::string_view name, AboutPrefKind kind,
                                     std::string_view value);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ABOUT_PREF_TEXT_H_
