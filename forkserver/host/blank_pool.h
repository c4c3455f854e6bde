// Blank children that wait for their Plan: forked ahead, so that a launch costs no fork.
//
//     BlankPool pool(loop, reaper, ids, immediate, link, {.min = 1, .max = 3});
//     pool.NoteArrival();                                 // a launch that could use one
//     if (std::optional<BlankPool::Blank> blank = pool.Take()) ...send the Plan on blank->socket...
//
// How many: from the first arrival (or Fill) on the minimum, and as many more as would arrive in a
// tenth of a second at the rate of the last second, up to the maximum. A second without arrivals
// forgets most of that rate, so a pool that nobody uses is back at its minimum long before ten.
// When: half a millisecond after an arrival; three, where only that one is missing and another
// waits for the next arrival, so that what was launched has had the processors for its first work.
// One blank at a time, and not while the template owes launches an answer or an immediate launch is
// under way (immediate_launches.h): the fork of a blank must not be in the way of a launch. A
// template that does not answer is looked at less and less often, every tenth of a second in the
// end. Under memory pressure (Shrink) all blanks are ended, and none is forked for ten seconds;
// then the pool grows back by itself.
//
// A blank that dies is replaced. One that has died and was not noticed yet cannot be sent a Plan
// (EPIPE); one that is killed between the Plan and Ready fails that launch, as it would any child.
// Blanks outlive their template, and are handed out also when it is dead; SetLink names the one
// that was started in its place.
//
// Ownership: owns its blanks; those that are left at its end are killed and reaped by the reaper.
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_BLANK_POOL_H_
#define FORKSERVER_HOST_BLANK_POOL_H_

#include <stdint.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "child/process_types.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/immediate_launches.h"
#include "forkserver/host/process.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/request_ids.h"
#include "forkserver/host/template_link.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class BlankPool : private ForkRequester {
 public:
  struct Blank {
    uint64_t id;
    UniqueFd socket;  // the host's end of its launch socket
    Process process;
    std::shared_ptr<Flight> flight = {};  // null: nobody keeps records
  };

  // `link` is borrowed.
  BlankPool(EventLoop& loop, Reaper& reaper, RequestIds& ids, const ImmediateLaunches& immediate,
            FlightRecorder& recorder, TemplateLink& link, PoolBounds bounds)
      : loop_(loop),
        reaper_(reaper),
        ids_(ids),
        immediate_(immediate),
        recorder_(recorder),
        link_(&link),
        bounds_(bounds) {}
  BlankPool(const BlankPool&) = delete;
  BlankPool& operator=(const BlankPool&) = delete;
  ~BlankPool();

  void NoteArrival();
  // From here on the minimum is kept, also before the first arrival.
  void Fill();
  // The template serves now.
  void OnServing();
  // From here on these; what is too many is ended.
  void SetBounds(PoolBounds bounds);
  // From here on that template is asked. The one before it is dead.
  void SetLink(TemplateLink& link) { link_ = &link; }

  std::optional<Blank> Take();
  // For a blank that was taken and has received nothing.
  void PutBack(Blank blank);

  void Shrink();

  // Blanks that can be taken.
  std::vector<pid_t> idle_pids() const;
  // How many there should be now.
  size_t target() const;

 private:
  struct Entry {
    uint64_t id;
    UniqueFd socket;
    EventLoop::WatchId hang_up;
    std::optional<Process> process;  // once the template has answered
    std::shared_ptr<Flight> flight = {};
  };

  void OnForked(uint64_t id, Process process, const ForkedMessage& forked) override;
  void OnForkFailed(uint64_t id, const FailedMessage& failed) override;
  void OnTemplateDead(uint64_t id, const absl::Status& why) override;
  void OnNoChild(uint64_t id) override;
  void OnHangUp(uint64_t id);

  double Rate(int64_t now) const;
  // Whether, when so many more are taken, only one is missing and another is there for the next who
  // comes.
  bool HasTime(size_t to_be_taken) const;
  void MaintainAt(int64_t when);
  void Maintain();
  absl::Status ForkOne();
  void End(Entry entry);
  std::deque<Entry>::iterator Find(uint64_t id);
  std::deque<Entry>::iterator FirstIdle();

  EventLoop& loop_;
  Reaper& reaper_;
  RequestIds& ids_;
  const ImmediateLaunches& immediate_;
  FlightRecorder& recorder_;
  TemplateLink* link_;
  PoolBounds bounds_;
  std::deque<Entry> entries_;
  bool is_used_ = false;
  // Arrivals a second, at the time of the last one.
  double rate_ = 0;
  int64_t last_arrival_ = 0;
  int64_t leisure_until_ = 0;  // where one more is not urgent
  int64_t no_forks_before_ = 0;
  int64_t busy_delay_ = 0;  // until the next look at a template that is busy
  int64_t shrunk_until_ = 0;
  EventLoop::TimerId timer_ = 0;
  int64_t timer_at_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BLANK_POOL_H_
