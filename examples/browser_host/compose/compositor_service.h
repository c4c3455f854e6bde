// The parent's side of the compositor: has the pictures of a page and of its frames made into one.
//
//     CompositorService compositor(*parent);   // launched at once (its type's row)
//     compositor.Compose({.base = page, .layers = {{.layer = 7, .picture = frame,
//                                                   .x = 20, .y = 300,
//                                                   .frame_width = 300, .frame_height = 150}}},
//                        [](absl::StatusOr<SharedPicture> whole) {
//                          if (whole.ok()) Picture::Map(whole->pixels->get(), whole->width,
//                                                       whole->height);     // or send it on
//                        });
//
// It has one picture composed at a time, in the order in which they were asked for, and looks at no
// pixel itself.
//
// Each is answered once: with the whole, which has been checked (sealed, as large as its base);
// with the compositor's error, in one line that names the layer ("layer 7: 3 by 2 pixels in 20
// bytes"); InvalidArgument for what is over the bounds; Unavailable where the compositor ended, for
// the one that it had. That one is not tried again, since it may be what the compositor died of;
// those that wait have the next one. One that does not answer within its patience is killed. So is
// one whose answer is not what it was asked for: Internal.
//
// After three ends that nobody asked for the program runs on a thread of this process
// (ServiceProcess), with the same checks and no sandbox: then a layer that breaks cairo breaks the
// parent. Layers are pixels of checked sizes, drawn one to one. An embedder that would rather have
// no composed pictures than that says so (WhenGivenUp::kNoPictures).
//
// Ownership: borrows the parent; shares the pictures that it is given. Destroying it drops all
// callbacks uncalled, and kills the process or waits for the thread; a callback may do that.
// Threads: the loop's. After a fork: not usable.
#ifndef EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSITOR_SERVICE_H_
#define EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSITOR_SERVICE_H_

#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/browser_host/compose/compose_messages.h"
#include "examples/browser_host/compose/shared_picture.h"
#include "examples/browser_host/patience.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_host.h"
#include "forkserver/model/service_process.h"
#include "transceiver/event_loop.h"

namespace browser_host {

class CompositorHost : public forkserver::ProcessHost<CompositorHost, CompositorProtocol> {
 public:
  explicit CompositorHost(forkserver::ParentProcess& parent)
      : ProcessHost(parent, forkserver::ProcessType::kGpu) {}

  // As Call. One that does not hear it is given nothing more.
  absl::Status Ask(const browser_host::Compose& message,
                   std::function<void(absl::StatusOr<Composed>)> callback);

 private:
  void OnEnd(const forkserver::ProcessEnd&) override {}
};

struct ComposeLayer {
  uint64_t layer = 0;  // for errors
  SharedPicture picture = {};
  // Its place in the base, in pixels, which may be partly or all outside of it. The picture's upper
  // left corner is at x, y, and what it has outside of its place is not drawn (draw_layer.h).
  int32_t x = 0;
  int32_t y = 0;
  uint32_t frame_width = 0;
  uint32_t frame_height = 0;
};

struct ComposeRequest {
  SharedPicture base = {};
  std::vector<ComposeLayer> layers = {};  // the first is the lowest; kMostLayers
};

class CompositorService {
 public:
  enum class WhenGivenUp : uint8_t { kThread, kNoPictures };
  struct Options {
    // From sending to the answer; its launch is in it, where it has to be launched first.
    absl::Duration patience = absl::Seconds(20);
    WhenGivenUp when_given_up = WhenGivenUp::kThread;
    size_t most_waiting = 256;
    // As ServiceOptions::on_change.
    std::function<void(const forkserver::ProcessHandle* process, const absl::Status& why)>
        on_change = {};
    // As ServiceOptions::on_end.
    std::function<void(const forkserver::ProcessEnd& end)> on_end = {};
  };
  using Callback = std::function<void(absl::StatusOr<SharedPicture> whole)>;

  explicit CompositorService(forkserver::ParentProcess& parent) : CompositorService(parent, {}) {}
  CompositorService(forkserver::ParentProcess& parent, Options options);
  CompositorService(const CompositorService&) = delete;
  CompositorService& operator=(const CompositorService&) = delete;
  ~CompositorService();

  // As ServiceProcess.
  void ShutDown() { service_.ShutDown(); }

  // Calls back once, in the loop's time, or at once where it cannot be asked for.
  void Compose(ComposeRequest request, Callback callback);

  // The one that is composed counts.
  size_t waiting() const { return jobs_.size(); }
  // Where it runs, and how often it ended.
  const forkserver::ProcessHandle* process() const { return service_.process(); }
  int ends() const { return service_.ends(); }

 private:
  struct Job {
    ComposeRequest request;
    Callback callback;
  };

  void SendFirst();
  void SendSoon();
  void Arm(CompositorHost& host);
  void OnAnswer(CompositorHost& host, absl::StatusOr<Composed> composed);
  // The last that its caller does, unless it looks whether this is still there.
  void FinishFirst(absl::StatusOr<SharedPicture> whole);

  forkserver::ParentProcess& parent_;
  const Options options_;
  std::deque<Job> jobs_;
  bool is_under_way_ = false;  // the first of them
  Patience patience_;
  forkserver::EventLoop::TimerId turn_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  forkserver::ServiceProcess<CompositorHost> service_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSITOR_SERVICE_H_
