// The prefs of this program's own, which its content processes read: Firefox's names and values.
//
//     permissions.default.image    2: no image is fetched for a page, by http: or https:; those in
//                                  data: and file: URLs are shown. Any other value: all are. (3,
//                                  those of other sites, is not there.)
//
// A page is read by the generation that is there when it begins to be painted: an edit in
// about:config is obeyed by the next page of every process that runs, and by no page before.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_PREFS_H_
#define EXAMPLES_BROWSER_HOST_PAGE_PREFS_H_

#include <stdint.h>

#include <string_view>

namespace browser_host {

inline constexpr std::string_view kImagePref = "permissions.default.image";
inline constexpr int32_t kImagesShown = 1;
inline constexpr int32_t kImagesBlocked = 2;

// Their defaults, as a prefs file has them.
inline constexpr std::string_view kPagePrefs = "pref(\"permissions.default.image\", 1);";

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_PREFS_H_
