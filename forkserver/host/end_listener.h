// Who is told of the end of a process by whoever comes to reap it: one function, called once.
//
//     listener.Set([](const ExitStatus& status) { ... });
//     listener.Tell(status);          // and forgets it; nothing where none is set
//
// Moves with the process. A pointer where none is set, and nothing at all in a build that observes
// no launches. Threads: one at a time.
#ifndef FORKSERVER_HOST_END_LISTENER_H_
#define FORKSERVER_HOST_END_LISTENER_H_

#include <functional>
#include <memory>
#include <utility>

namespace forkserver {

struct ExitStatus;

class EndListener {
 public:
  using OnEnd = std::function<void(const ExitStatus& status)>;

#ifdef FORKSERVER_OBSERVES_NO_LAUNCHES
  void Set(const OnEnd&) {}
  void Tell(const ExitStatus&) {}
#else
  void Set(OnEnd on_end) { on_end_ = std::make_unique<OnEnd>(std::move(on_end)); }
  void Tell(const ExitStatus& status) {
    if (on_end_ == nullptr) return;
    const std::unique_ptr<OnEnd> on_end = std::move(on_end_);
    (*on_end)(status);
  }

 private:
  std::unique_ptr<OnEnd> on_end_;
#endif
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_END_LISTENER_H_
