// Who wants to hear of something, in the order in which they came.
//
//     ObserverList<const PrefsMap&> observers;
//     const auto id = observers.Add([](const PrefsMap& now) { ... });
//     observers.Notify(map);
//     observers.Remove(id);
//
// An observer may add and remove observers, itself too: one that is removed is not called any more,
// one that is added is first called the next time. It must not destroy the list, nor notify.
//
// Threads: one at a time.
#ifndef TRANSCEIVER_OBSERVER_LIST_H_
#define TRANSCEIVER_OBSERVER_LIST_H_

#include <stdint.h>

#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace forkserver {

using ObserverId = uint64_t;

template <typename... What>
class ObserverList {
 public:
  using Observer = std::function<void(What...)>;

  ObserverId Add(Observer observer) {
    observers_.emplace(++last_, std::move(observer));
    return last_;
  }
  // One that is not there is ignored.
  void Remove(ObserverId id) { observers_.erase(id); }

  void Notify(What... what) const {
    std::vector<ObserverId> ids;
    for (const auto& [id, observer] : observers_) ids.push_back(id);
    for (const ObserverId id : ids) {
      const auto found = observers_.find(id);
      if (found == observers_.end()) continue;
      // A copy: one that removes itself would be destroyed while it runs.
      const Observer observer = found->second;
      observer(what...);
    }
  }

 private:
  std::map<ObserverId, Observer> observers_;
  ObserverId last_ = 0;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_OBSERVER_LIST_H_
