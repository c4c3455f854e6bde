// The about: pages, one row each: in which process each of them may be.
//
//     const AboutPage* page = FindAboutPage("Preferences");     // null: no such page
//     WhereOf(*page)                                            // AboutWhere::kParent
//
// Flags and pages are Gecko's (docshell/base/nsAboutRedirector.cpp, browser/components/about/
// AboutRedirector.cpp), those of a desktop on Linux. A page without a flag is the parent's: it has
// the program's own rights.
//
// Immutable, any thread.
#ifndef FORKSERVER_MODEL_ABOUT_PAGES_H_
#define FORKSERVER_MODEL_ABOUT_PAGES_H_

#include <stdint.h>

#include <span>
#include <string_view>

namespace forkserver {

enum AboutFlags : uint8_t {
  kUriMustLoadInChild = 1,
  kUriCanLoadInChild = 2,
  kUriCanLoadInPrivilegedAboutProcess = 4,
  // Not a flag of Gecko's, where these two are named in the code: belongs to who opened it.
  kUriInheritsOrigin = 8,
};

struct AboutPage {
  std::string_view name;  // after the colon, lower case
  uint8_t flags = 0;
};

enum class AboutWhere : uint8_t {
  kParent,
  kPrivilegedAbout,
  kWeb,
  kAnywhere,  // error pages: where the tab is, if that is a content process
  kInherits,
};

// Sorted by name.
std::span<const AboutPage> AboutPages();

// `name` in any case, without query and fragment.
const AboutPage* FindAboutPage(std::string_view name);

AboutWhere WhereOf(const AboutPage& page);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_ABOUT_PAGES_H_
