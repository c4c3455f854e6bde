// Content processes below other content processes: bridges, and who owns what.
//
// A process asks for a nested one by a url and the browser in which it is to be
// (child/process/content_messages.h). The parent holds the claim against its record, sees whether
// that process may nest at all, launches the nested one by template and pool as any other, and
// hands each the end of a bridge. It remembers whose it is: a nested process has one owner, and no
// load but the owner's ever comes to it.
//
// Who may: processes that are not nested themselves, of a kind that the pref
// dom.ipc.nested.remoteTypes lists ("web,webIsolated,webCOOP+COEP,extension"), kMostBridges of them
// at most at a time, kMostProcesses with those that have not ended yet, and in the long run so many
// a second as kLaunchRate says. The nested process has its owner's attributes, and never its
// owner's own process; it does not count for the limit of its remote type, since no other load
// comes to it. Files, and the sites that a pref lets read them, are below files only.
// A blob is its owner's, which must be able to have made it, or whose the program says it is
// (ContentEvents::blob_creator_of).
//
// Where the pref takes a kind away, no process and no browser is opened below those of that kind
// any more; what is open stays until its owner closes it.
//
// Closing the last browser of a bridge closes the bridge and ends the nested process; ids are taken
// back, with whatever was granted to them. When an owner ends, that is done to all that it has at
// once, and its nested processes end in the order of their bridges, each when the one before it is
// reaped.
//
// What is wrong about a message (an id of somebody else's, one that its sender knows to be closed)
// is PermissionDenied, for which the caller has the sender killed; what merely cannot be done is
// any other error.
//
// Threads: that of the parent's loop.
#ifndef FORKSERVER_MODEL_NESTED_CONTENT_H_
#define FORKSERVER_MODEL_NESTED_CONTENT_H_

#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/process/content_bridge.h"
#include "forkserver/model/browser_records.h"
#include "forkserver/model/content_process.h"
#include "forkserver/model/remote_type.h"
#include "forkserver/model/select_remote_type.h"
#include "forkserver/model/url.h"
#include "transceiver/actor/endpoint.h"
#include "transceiver/token_bucket.h"

namespace forkserver {

class ContentProcesses;

// What the owner of a new bridge gets.
struct NestedBridge {
  BridgeId bridge = 0;
  BrowserClaim browser = {};
  Endpoint<ContentBridge, Side::kParent> end = {};
};

class NestedContent {
 public:
  using CreateCallback = std::function<void(absl::StatusOr<NestedBridge> created)>;

  static constexpr size_t kMostBridges = 8;
  // With those whose bridge is closed: a process may take its time to end.
  static constexpr size_t kMostProcesses = 2 * kMostBridges;
  // A page that opens and closes them without end costs the machine no more than that.
  static constexpr TokenRate kLaunchRate = {.burst = 32, .per_second = 4};

  explicit NestedContent(ContentProcesses& content) : content_(content) {}
  NestedContent(const NestedContent&) = delete;
  NestedContent& operator=(const NestedContent&) = delete;

  // `callback` is called once, when the nested process runs or with why there is none. An error:
  // the sender is to be killed for its claim.
  absl::Status Create(ContentProcess& owner, const BrowserClaim& from, std::string_view url,
                      CreateCallback callback);
  absl::StatusOr<BrowserClaim> OpenBrowser(ContentProcess& owner, const BrowserClaim& from,
                                           BridgeId bridge, std::string_view url);
  absl::Status CloseBrowser(ContentProcess& owner, const BrowserClaim& which);
  // `process` has heard that the bridge is closed.
  void Confirm(const ContentProcess& process, BridgeId bridge);

  // What ContentProcesses tells of. `by`: the child that asked for the close, or 0.
  void OnBrowserClosed(BrowserId browser, const BrowserRecord& record, ChildId by);
  void OnProcessEnd(const ContentProcess& process);

  // Open ones, and those whose nested process is being launched.
  size_t bridges() const;

 private:
  enum class BridgeState : uint8_t {
    kLaunching,  // its owner knows nothing of it
    kOpen,
    kClosed,  // its owner has been told, and has not confirmed
  };
  struct Bridge {
    ContentProcess* owner = nullptr;
    ContentProcess* nested = nullptr;  // null: closed
    BrowserId within = 0;              // the owner's browser in which it is
    BridgeState state = BridgeState::kLaunching;
  };
  // The processes below an owner that has ended. The first one has been asked to end.
  using Orphans = std::deque<ContentProcess*>;

  absl::Status CheckKindMayNest(const ContentProcess& owner) const;
  absl::Status CheckMayNest(const ContentProcess& owner) const;
  absl::Status CheckBridge(const ContentProcess& owner, const BrowserClaim& from,
                           BridgeId id) const;
  RemoteType BlobCreatorOf(const ContentProcess& owner, const Url& url) const;
  absl::StatusOr<Selection> SelectBelow(const ContentProcess& owner, const Url& url) const;
  absl::StatusOr<NestedBridge> Connect(BridgeId id, const Url& url);
  absl::StatusOr<BrowserClaim> OpenOn(BridgeId id, const Url& url);
  std::vector<BridgeId> OpenBridges(const ContentProcess& owner) const;
  ContentProcess* Disconnect(BridgeId id);
  void CloseBridge(BridgeId id);
  void OnOwnerEnd(const ContentProcess& owner);
  void OnOrphanEnd(const ContentProcess& orphan);

  ContentProcesses& content_;
  std::map<BridgeId, Bridge> bridges_;
  std::list<Orphans> orphans_;
  BridgeId last_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_NESTED_CONTENT_H_
