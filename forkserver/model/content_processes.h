// All content processes of a program: which one a load goes to, and the browsers in them.
//
//     ContentProcesses content(parent, suffixes, make_host);
//     content.Open({.load = {.url = *Url::Parse("https://a.test/")}},
//                  [](absl::StatusOr<OpenedBrowser> opened) {
//                    if (!opened.ok() || opened->process == nullptr) return;
//                    static_cast<PageHost*>(opened->process)->Send(...);     // what make_host made
//                  });                                 // it is launched with that, if it is new
//     content.Close(browser);          // the last one of a process ends it
//
// The process is told the canonical address (Url::ToString): whole, but for a user and password,
// which are the network's.
//
// A load's remote type is SelectRemoteType's to say, and its process SelectProcess's: one that
// there is, or a new one, from the template of its kind. The launch then specialises a preallocated
// one where one waits (ProcessHandle::by says it): those are the blanks of that template's pool,
// which have the sandbox and everything that warm-ups made, and no load has been near them.
//
// Ownership: owns the hosts, and destroys each right after its end; borrows the parent. Destroying
// it kills and reaps them all; that may be done in Open's callback, in on_process_end, and in
// handlers and promises of its hosts. Threads: that of the parent's loop.
#ifndef FORKSERVER_MODEL_CONTENT_PROCESSES_H_
#define FORKSERVER_MODEL_CONTENT_PROCESSES_H_

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/model/browser_records.h"
#include "forkserver/model/content_process.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/remote_type.h"
#include "forkserver/model/select_remote_type.h"

namespace forkserver {

class NestedContent;

struct BrowserRequest {
  Load load;
  GroupId group = 0;  // of what the frame shows now
  // Of a process that has to be launched for it.
  std::array<Stdio, 3> stdio = {};
  absl::Duration timeout = absl::Seconds(10);
};

struct OpenedBrowser {
  Selection selection = {};
  // Null: the parent itself, which loads it.
  ContentProcess* process = nullptr;
  BrowserId browser = 0;  // 0 in the parent
  // Where the selection is Isolation::kFull a new one, whatever was asked for, and what the
  // document opens goes there; no process is chosen for the old one, though at the limit it may be
  // the same. Else the request's. 0 in the parent.
  GroupId group = 0;
};

// What the whole is told. All may be empty.
struct ContentEvents {
  // A process is about to be destroyed; its browsers are closed, and were these.
  std::function<void(const ContentProcess& process, const ProcessEnd& end,
                     const std::vector<BrowserId>& browsers)>
      on_process_end = {};
  // For a url that a content process wants in a nested one: what its response, which the program
  // has, says in Cross-Origin-Embedder-Policy (a content process's word is not enough). Without
  // it none is known, and below `webCOOP+COEP` nothing of the web can be nested. It answers, and
  // destroys nothing.
  std::function<std::string(const ContentProcess& owner, const Url& url)> embedder_policy_of = {};
  // For a blob: url that a content process wants in a nested one: the remote type of the process
  // that made it, if the program has seen that. Where it has not (none), and without this, the blob
  // is taken for the asking process's own, and refused where that could not have made it: the
  // origin in its url is a content process's word. It, too, destroys nothing.
  std::function<std::optional<RemoteType>(const ContentProcess& owner, const Url& url)>
      blob_creator_of = {};
};

class ContentProcesses {
 public:
  using MakeHost = std::function<std::unique_ptr<ContentProcess>(ParentProcess& parent,
                                                                 ContentProcesses& siblings)>;
  using OpenCallback = std::function<void(absl::StatusOr<OpenedBrowser> opened)>;

  ContentProcesses(ParentProcess& parent, const PublicSuffixList& suffixes, MakeHost make_host,
                   ContentEvents events = {});
  ContentProcesses(const ContentProcesses&) = delete;
  ContentProcesses& operator=(const ContentProcesses&) = delete;
  ~ContentProcesses();

  // Finds the load's process or makes one, and opens a browser in it. The callback is called once,
  // before Open returns, and a new process is launched behind it: what the callback sends to it
  // goes with the launch. Errors are SelectRemoteType's, ResourceExhausted where the process
  // does not read, and InvalidArgument for an address that is longer than what a process can be
  // told (kMaxUrlBytes), as long data: URLs are. A launch that fails is told as every other end
  // (ContentEvents).
  void Open(const BrowserRequest& request, const OpenCallback& callback);
  // Ends a browser, and its process where that has no other left. An id that is closed is ignored.
  void Close(BrowserId browser);
  // Asks all to end; the last one's end is the end of it.
  void CloseAll();

  ParentProcess& parent() const { return parent_; }
  BrowserRecords& browsers() { return browsers_; }
  const BrowserRecords& browsers() const { return browsers_; }
  NestedContent& nested() { return *nested_; }
  // Those that there are, launching ones too, in the order of their launches.
  std::vector<ContentProcess*> processes() const;
  ContentProcess* Find(ChildId id) const;

 private:
  friend class ContentProcess;
  friend class NestedContent;

  absl::StatusOr<Selection> Select(const Load& load) const;
  // Never one that is nested: those have one owner.
  ContentProcess* FindFor(const Selection& selection, GroupId group) const;
  ContentProcess& MakeProcess(const RemoteType& type, const std::array<Stdio, 3>& stdio,
                              absl::Duration timeout);
  absl::StatusOr<BrowserId> OpenIn(ContentProcess& host, const BrowserRecord& record,
                                   std::string_view url);
  // `by`: the child that asked for it; 0: the parent.
  void CloseFor(ChildId by, BrowserId browser);
  size_t BrowsersOf(const ContentProcess& process) const;
  void EndIfUnused(ContentProcess& process);
  void OnEnd(ContentProcess& process, const ProcessEnd& end);

  ParentProcess& parent_;
  const PublicSuffixList& suffixes_;
  const MakeHost make_host_;
  const ContentEvents events_;
  BrowserRecords browsers_;
  GroupId next_group_ = kFirstOwnGroup;
  std::unique_ptr<NestedContent> nested_;
  std::vector<std::unique_ptr<ContentProcess>> hosts_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_CONTENT_PROCESSES_H_
