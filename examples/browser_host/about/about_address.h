// What the address of one of the pages says that are shown here.
//
//     about:processes                       all processes
//     about:config                          all prefs
//     about:config?filter=dom.ipc           those with that in their name, in any case
//     about:config?dom.ipc                  the same
//     about:config?set=NAME=VALUE           gives that pref a user value, and shows it
//     about:config?set=NAME=VALUE&kind=int  the same of one that may not be there: bool, int,
//     string about:config?set=NAME=VALUE&filter=X  and shows those
//
// A query is KEY=VALUE, with `&` between; all is percent-decoded (percent.h; `+` is a plus). What
// has `&`, `%` or `#` in it has to be encoded, and in a pref's name `=`, too: the first `=` behind
// `set=` ends it. A fragment is left out.
//
// An edit by an address is one that whoever can open the address can make. Those are the user and
// the program's own pages (forkserver/model/select_remote_type.h): a link, a frame or a redirection
// of web content to it selects no process and is an error.
//
// Pure. Any thread.
#ifndef EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_ADDRESS_H_
#define EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_ADDRESS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "examples/browser_host/about/about_messages.h"

namespace browser_host {

struct PrefEdit {
  std::string name = {};
  std::string value = {};
  std::optional<AboutPrefKind> kind = {};  // nothing: the pref's own
};

struct AboutAddress {
  enum class Page { kProcesses, kConfig };
  Page page = Page::kProcesses;
  std::string filter = {};
  std::optional<PrefEdit> edit = {};
};

// NotFound: another page ("about:memory: not shown here"). InvalidArgument, in one line: a query
// that says nothing ("about:config: nothing is known of 'sett'").
absl::StatusOr<AboutAddress> ParseAboutAddress(std::string_view url);

// `about:config?set=...`, of that edit.
std::string AddressOf(const PrefEdit& edit);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_ADDRESS_H_
