// Several observers of one host:
//
//     options.observer = ObserveTogether(std::move(options.observer), mine);
//
// Each is told of all, in their order, under the rules of launch_observer.h.
#ifndef FORKSERVER_HOST_LAUNCH_OBSERVER_LIST_H_
#define FORKSERVER_HOST_LAUNCH_OBSERVER_LIST_H_

#include <memory>
#include <utility>
#include <vector>

#include "forkserver/host/launch_observer.h"

namespace forkserver {

class LaunchObserverList : public LaunchObserver {
 public:
  // None of them null.
  explicit LaunchObserverList(std::vector<std::shared_ptr<LaunchObserver>> observers)
      : observers_(std::move(observers)) {}

  void OnLaunchBegun(const LaunchBegun& launch) override {
    for (const auto& one : observers_) one->OnLaunchBegun(launch);
  }
  void OnLaunchReady(const LaunchReady& launch) override {
    for (const auto& one : observers_) one->OnLaunchReady(launch);
  }
  void OnLaunchFailed(const LaunchFailed& launch) override {
    for (const auto& one : observers_) one->OnLaunchFailed(launch);
  }
  void OnProcessEnded(const ProcessEnded& process) override {
    for (const auto& one : observers_) one->OnProcessEnded(process);
  }
  void OnTemplateEvent(const TemplateEvent& event) override {
    for (const auto& one : observers_) one->OnTemplateEvent(event);
  }

 private:
  const std::vector<std::shared_ptr<LaunchObserver>> observers_;
};

// Either may be null; null where both are.
inline std::shared_ptr<LaunchObserver> ObserveTogether(std::shared_ptr<LaunchObserver> first,
                                                       std::shared_ptr<LaunchObserver> second) {
  if (first == nullptr) return second;
  if (second == nullptr) return first;
  return std::make_shared<LaunchObserverList>(
      std::vector<std::shared_ptr<LaunchObserver>>{std::move(first), std::move(second)});
}

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCH_OBSERVER_LIST_H_
