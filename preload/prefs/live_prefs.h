// The prefs of a running process: those of its launch, until the host sends the next generation.
//
//     LivePrefs prefs(&context.prefs);                         // of the launch
//     prefs.GetInt("dom.ipc.processCount", 8);                 // of the moment
//     const auto snapshot = prefs.Snapshot();                  // stays one generation
//     absl::Status swapped = prefs.Swap(memfd);                // a Prefs message has come
//
// A swap is atomic: a reader has the one generation or the other, and a snapshot never changes. Who
// reads several prefs that belong together takes a snapshot. An old generation is unmapped when
// its last snapshot goes.
//
// Ownership: owns the generations that it swapped to; what a snapshot returns points into it.
// Threads: any number may read. Swap, and everything about observers, is for one thread, the one
// that receives messages. After a fork: not to be used by the child, which has prefs of its own.
// Errors: a swap that fails changes nothing.
#ifndef PRELOAD_PREFS_LIVE_PREFS_H_
#define PRELOAD_PREFS_LIVE_PREFS_H_

#include <stdint.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/observer_list.h"

namespace forkserver {

class LivePrefs {
 public:
  using Observer = std::function<void(const PrefsMap& before, const PrefsMap& now)>;
  using ObserverId = forkserver::ObserverId;

  // Takes the map over; without one there are no prefs until the first swap.
  explicit LivePrefs(PrefsMap launch = {});
  // Borrows it: it must outlive this and all snapshots, as a ChildContext's does. Null: none.
  explicit LivePrefs(const PrefsMap* launch);
  LivePrefs(const LivePrefs&) = delete;
  LivePrefs& operator=(const LivePrefs&) = delete;

  // Maps the generation in the sealed `memfd`, which stays the caller's, and calls the observers.
  // FailedPrecondition: it is not newer than the present one, as when messages come twice. Else as
  // PrefsMap::Attach: "attach generation of prefs: EBADMSG" is a map that is corrupt.
  absl::Status Swap(int memfd);

  // Never null.
  std::shared_ptr<const PrefsMap> Snapshot() const;

  uint64_t generation() const { return Snapshot()->generation(); }
  // As PrefsMap's; the string is a copy, since the generation that it is from may go.
  bool GetBool(std::string_view name, bool fallback) const;
  int32_t GetInt(std::string_view name, int32_t fallback) const;
  std::string GetString(std::string_view name, std::string_view fallback) const;

  // Called after each swap, as an ObserverList does. An observer may read; it must not swap.
  ObserverId AddObserver(Observer observer) { return observers_.Add(std::move(observer)); }
  void RemoveObserver(ObserverId id) { observers_.Remove(id); }

 private:
  mutable std::mutex mutex_;  // of present_
  std::shared_ptr<const PrefsMap> present_;
  ObserverList<const PrefsMap&, const PrefsMap&> observers_;
};

}  // namespace forkserver

#endif  // PRELOAD_PREFS_LIVE_PREFS_H_
