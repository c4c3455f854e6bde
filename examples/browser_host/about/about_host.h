// The parent's side of about:processes and about:config: tells a privileged content process what it
// is to show, and takes edits of prefs from it.
//
//     AboutHost about(*parent, {.processes = [&] { return RowsOfAll(); },
//                               .prefs = store,
//                               .publish = [&](const PrefsGeneration& next) {
//                                 return parent->SetPrefs(next);      // children that live hear it
//                               }});
//
//     // In the content host, whose protocol has OpenAboutData (about_messages.h):
//     absl::Status Receive(OpenAboutData&, Resolver<AboutDataOpened> resolver) {
//       absl::StatusOr<AboutChildsEnd> end = about.Open(*this);
//       if (AboutHost::IsFault(end.status())) return end.status();   // not privileged: it is
//       killed if (!end.ok()) { resolver.Reject(end.status()); return absl::OkStatus(); } return
//       resolver.Resolve({.end = *std::move(end)});
//     }
//
// The pages are opened with Load::parent_pages = ParentPages::kInPrivilegedProcess
// (forkserver/model/select_remote_type.h). about_client.h is the other side.
//
// It parses nothing but an edit: a name, a number of 32 bits, `true` or `false`. What it sends are
// its program's own words, and prefs as they are.
//
// Edits. Refused are those that would not be what was meant (no such pref and no kind, another kind
// than the pref has, no number), those of locked prefs, and those that `may_edit` does not let
// pass; by default the levels of sandboxes ("security.sandbox."), since a process that was taken
// over could otherwise have the next ones launched without one. An edit is a user value: it is
// there until the program ends, and in no file.
//
// A process may ask for kBurst lists and edits at once, and kPerSecond in the long run; what is
// over is refused (ResourceExhausted), since each costs the parent a look at all processes, or
// every process a new generation.
//
// Ownership: borrows the parent and the store, and ends before them. Threads: that of the parent's
// loop. `processes` and `publish` are called in a handler of the line's: they do not destroy this.
#ifndef EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_HOST_H_
#define EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_HOST_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/about/about_messages.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_host_core.h"
#include "preload/prefs/prefs_store.h"

namespace browser_host {

// Of about:processes. As ProcessField, without its limits.
struct AboutProcess {
  int64_t pid = -1;
  std::string type = {};
  std::string remote_type = {};
  std::string state = {};
  int64_t pages = -1;
  int64_t private_kib = -1;
  int64_t launch_micros = -1;
};

// PermissionDenied for the levels of sandboxes: "not from a page".
absl::Status MayEditAllButSandboxes(std::string_view name);

class AboutHost {
 public:
  static constexpr uint32_t kBurst = 50;
  static constexpr uint32_t kPerSecond = 10;

  struct Options {
    std::function<std::vector<AboutProcess>()> processes = {};
    forkserver::PrefsStore& prefs;
    std::function<absl::Status(const forkserver::PrefsGeneration& next)> publish = {};
    // Ok, or why not. Not asked for what cannot be set anyway.
    std::function<absl::Status(std::string_view name)> may_edit = MayEditAllButSandboxes;
  };

  AboutHost(forkserver::ParentProcess& parent, Options options);
  AboutHost(const AboutHost&) = delete;
  AboutHost& operator=(const AboutHost&) = delete;
  ~AboutHost();

  // An end for that process, which has one: a further one ends the one before. PermissionDenied
  // (IsFault): it is not privileged, so it had no business to ask. FailedPrecondition: it does not
  // run. Else as socketpair(2).
  absl::StatusOr<AboutChildsEnd> Open(const forkserver::ProcessHostCore& process);
  static bool IsFault(const absl::Status& status) { return absl::IsPermissionDenied(status); }

  size_t lines() const { return lines_.size(); }

 private:
  class Line;

  // The generation that has it, or why it was not made.
  absl::StatusOr<uint64_t> Edit(const SetPref& edit);

  forkserver::ParentProcess& parent_;
  const Options options_;
  std::list<Line> lines_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_HOST_H_
