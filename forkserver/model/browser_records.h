// What the parent knows of every browser (a tab, or a frame in another process): whose it is, what
// it shows, and what it was granted. A message that claims to speak for a browser is held against
// it.
//
//     BrowserRecords records;
//     absl::StatusOr<BrowserId> id = records.Open({.process = child, .context = context});
//     absl::Status good = records.Check(sender, claim);   // of each privileged message
//     if (IsFault(good)) host.Kill(good);                 // forged, replayed or stolen
//
// What a process says of a browser that the parent has just closed may have been on its way: until
// that process has confirmed, it is refused and nothing more. After that it is a replay. Two may
// speak of a browser, the process in which it runs and the one that owns it: each confirms for
// itself, but for one that asked for the close.
//
// Ids count up from 1 and are never used twice, so one that is replayed after its browser was
// closed names nobody. Only the parent makes them; a child that knows one of another process's can
// do nothing with it, since the sender is part of every check.
//
// Pure: no process is touched here. Threads: one at a time.
#ifndef FORKSERVER_MODEL_BROWSER_RECORDS_H_
#define FORKSERVER_MODEL_BROWSER_RECORDS_H_

#include <stddef.h>
#include <stdint.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "forkserver/model/origin_attributes.h"

namespace forkserver {

using BrowserId = uint64_t;  // 0: no browser
using ChildId = uint64_t;    // the parent's number of a process; 0: the parent itself
// Documents that can reach each other by script are in one group, and its documents of one remote
// type in one process. 0: a group of its own. Whoever opens browsers numbers them;
// from kFirstOwnGroup on ContentProcesses does, for loads that leave the group in which they were
// asked for.
using GroupId = uint64_t;
inline constexpr GroupId kFirstOwnGroup = GroupId{1} << 63;
using BridgeId = uint64_t;  // 0: the browser's process has no owner but the parent

// What a browser is for.
struct BrowserContext {
  std::string site = {};  // "https://example.com" (site.h); empty where it has none
  OriginAttributes attributes = {};

  friend bool operator==(const BrowserContext&, const BrowserContext&) = default;
  // "https://example.com^userContextId=2"
  std::string ToString() const;
};

struct BrowserRecord {
  ChildId process = 0;  // in which it runs
  ChildId owner = 0;  // who asked for it: the parent, or the process at the other end of its bridge
  BridgeId bridge = 0;
  GroupId group = 0;
  BrowserContext context = {};
};

// What a child says of the browser that it speaks for.
struct BrowserClaim {
  BrowserId id = 0;
  BrowserContext context = {};
};

// Whether a status of Check says that its sender has broken the rules.
inline bool IsFault(const absl::Status& status) { return absl::IsPermissionDenied(status); }

class BrowserRecords {
 public:
  // So that a process cannot fill the parent's memory by asking.
  static constexpr size_t kMostOfOneOwner = 1000;
  static constexpr size_t kMostGrants = 64;

  // ResourceExhausted: its owner has kMostOfOneOwner already, closing ones among them.
  absl::StatusOr<BrowserId> Open(BrowserRecord record);

  // FailedPrecondition: it is being closed. PermissionDenied, in one line that names the
  // difference: "browser 7 was closed", "browser 9 was never given out", "browser 7 is child 3's",
  // "browser 7 shows https://a.test, not https://b.test".
  absl::Status Check(ChildId sender, const BrowserClaim& claim) const;
  // The same for what an owner may do, which is to close it: "browser 7 belongs to child 2".
  absl::Status CheckOwner(ChildId sender, const BrowserClaim& claim) const;

  // Null: there is none, or no more.
  const BrowserRecord* Find(BrowserId id) const;

  // Something that the browser may do from here on, by a name of the caller's.
  // NotFound: no such browser. ResourceExhausted: it has kMostGrants.
  absl::Status Grant(BrowserId id, std::string_view what);
  bool IsGranted(BrowserId id, std::string_view what) const;

  // Takes back everything that it was granted. `by`: the child that asked for it, 0 for the parent
  // itself. One that is closed already is ignored.
  void Close(BrowserId id, ChildId by = 0);
  // `who` has heard that it is closed, and says nothing of it from here on. Open ones are ignored.
  void Confirm(BrowserId id, ChildId who);
  // The same for all that were on a bridge which is closed.
  void ConfirmBridge(BridgeId bridge, ChildId who);
  // Nobody was ever told of it.
  void Discard(BrowserId id) { entries_.erase(id); }
  // The process has ended: closes all that ran in it, and gives those that were open. It confirms
  // nothing any more, and nobody waits for that.
  std::vector<BrowserId> ForgetProcess(ChildId process);

  // Open ones, in the order in which they were opened.
  std::vector<BrowserId> OfProcess(ChildId process) const;
  std::vector<BrowserId> OfBridge(BridgeId bridge) const;
  // Not for group 0, which is none.
  std::vector<BrowserId> OfGroup(GroupId group) const;
  // Open and closing.
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    BrowserRecord record;
    std::set<std::string, std::less<>> grants = {};
    bool is_closing = false;
    // Not having heard that it is closed.
    bool process_may_speak = true;
    bool owner_may_speak = true;
  };
  using Entries = absl::flat_hash_map<BrowserId, Entry>;

  // What both checks have in common; `who` sees whether the record has its sender.
  template <typename SenderCheck>
  absl::Status CheckClaim(const BrowserClaim& claim, SenderCheck who) const;
  static bool IsOver(const Entry& entry);
  static void Silence(Entry& entry, ChildId who);
  absl::Status NotThere(BrowserId id) const;
  template <typename Predicate>
  std::vector<BrowserId> Those(Predicate predicate) const;

  Entries entries_;
  BrowserId last_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_BROWSER_RECORDS_H_
