// Which report is about which process: the reporter's thread knows it first, and pages of crashed
// tabs are to show it.
//
//     ReportIds ids;
//     ids.Add(pid, report.id);                                     // any thread
//     absl::Status watched = ids.Watch(loop);
//     ids.WhenKnown(pid, deadline, [](const std::string& id) {});  // the loop's
//
// A pid may come again: what was added last counts, and only once.
#ifndef EXAMPLES_BROWSER_HOST_REPORT_IDS_H_
#define EXAMPLES_BROWSER_HOST_REPORT_IDS_H_

#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

class ReportIds {
 public:
  using Callback = std::function<void(const std::string& id)>;

  ReportIds() = default;
  ReportIds(const ReportIds&) = delete;
  ReportIds& operator=(const ReportIds&) = delete;
  // Whoever waits is not called back.
  ~ReportIds();

  void Add(pid_t pid, const std::string& id);

  // Borrows the loop. Until then nobody can wait. Fails as eventfd(2) and EventLoop::Watch do.
  absl::Status Watch(forkserver::EventLoop& loop);
  // Watches no more: ahead of the loop's end.
  void Unwatch();

  // Calls back once, at once or later: with the id of that process's report, or with none where it
  // is not there at `deadline` (transceiver/clock.h). One at a time for each pid.
  void WhenKnown(pid_t pid, int64_t deadline, Callback callback);

 private:
  struct Waiting {
    Callback callback;
    forkserver::EventLoop::TimerId timer = 0;
  };

  void OnAdded();
  // Empty: it is not there.
  std::string Take(pid_t pid);
  void Answer(pid_t pid, const std::string& id);

  absl::Mutex mutex_;
  std::map<pid_t, std::string> ids_ ABSL_GUARDED_BY(mutex_);
  forkserver::UniqueFd wake_ ABSL_GUARDED_BY(mutex_);
  forkserver::EventLoop* loop_ = nullptr;
  forkserver::EventLoop::WatchId watch_ = 0;
  std::map<pid_t, Waiting> waiting_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_REPORT_IDS_H_
