// A template in one layout: not started, warming up, serving, dead or evicted, and started again.
//
//     TemplateInstance one({.options = options, .kind = 3, .layout = 0, .parent = &root}, ...);
//     if (absl::Status used = one.Use(); !used.ok()) return used;     // it runs, and what is above
//     one.link()->Fork(...);                                          // served now or when warm
//
// It is started by a launch like any other, of type forkserver, from its parent: so it asks its
// parent's link for itself, and is told its process. Until that answer is there nobody knows its
// pid; where the parent dies without giving it, the answer comes when the parent has been reaped.
//
// A root is forked from the seed, which gives it the host's addresses and silent children. Where
// there is no seed, or it is dead, it is exec'ed from the pinned program. The kernel takes the
// thread that does so for the parent of all that the root forks: where that is not Start's, they
// get no parent-death signal and see the host's end by the hang-up of their channels.
//
// Idle for TemplateOptions::evict_after, it is ended, and is as if it had not been started. When
// the init of its children's pid namespace dies, it is dead too: it could fork no other child.
//
// One that died again soon after its last death is backed off from (restart_policy.h). Whoever uses
// it meanwhile is told why and until when, and has it started then, whether it comes again or not.
// A start that failed since its parent died is not its own death. One that died too often in a row
// is given up, and so is whatever needs it; in a host's safe mode all are, from the beginning.
//
// Ownership: owns its link and its pool; the parent and what is shared are borrowed. It stays where
// it was made: link, timer and watch point to it. Threads: those of the loop.
#ifndef FORKSERVER_HOST_TEMPLATE_INSTANCE_H_
#define FORKSERVER_HOST_TEMPLATE_INSTANCE_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/process_types.h"
#include "forkserver/host/blank_pool.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/immediate_launches.h"
#include "forkserver/host/launch_observer.h"
#include "forkserver/host/plan_message.h"
#include "forkserver/host/process.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/request_ids.h"
#include "forkserver/host/restart_policy.h"
#include "forkserver/host/sandbox_chain.h"
#include "forkserver/host/sandbox_host.h"
#include "forkserver/host/self_exec.h"
#include "forkserver/host/template_link.h"
#include "forkserver/host/template_options.h"
#include "forkserver/host/template_status.h"
#include "forkserver/server/hello.h"
#include "forkserver/server/template_program.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/event_loop.h"
#include "transceiver/packet.h"

namespace forkserver {

// What all templates of a host start with; borrowed.
struct TemplateHost {
  EventLoop& loop;
  Reaper& reaper;
  RequestIds& ids;
  const ImmediateLaunches& immediate;
  FlightRecorder& recorder;
  const HostFacts& facts;
  const SelfImage& self;
  const TemplateMakings& makings;
  // Those of the moment, for the sandboxes' levels.
  const PrefsGeneration& prefs;
  RestartOptions restart;
  // Not Ok: why no template is to be started at all.
  absl::Status safe_mode;
  // Hears of every answered Ping.
  std::function<void(uint64_t id)> on_pong;
  // May be null.
  std::shared_ptr<LaunchObserver> observer;
};

class TemplateInstance : private ForkRequester {
 public:
  struct Place {
    TemplateOptions options;
    size_t kind = 0;  // its place among the templates of a layout; the same in each
    int layout = 0;
    TemplateInstance* parent = nullptr;  // of the same layout; null: a root
    PoolBounds bounds = kNoPool;
  };

  // `on_change` hears of every change of what Describe says.
  TemplateInstance(Place place, const TemplateHost& host, SandboxHost& sandboxes,
                   std::function<void()> on_change);
  TemplateInstance(const TemplateInstance&) = delete;
  TemplateInstance& operator=(const TemplateInstance&) = delete;
  ~TemplateInstance();

  // Of a root: forked from the seed, or exec'ed where that is null.
  absl::Status StartRoot(TemplateLink* seed);
  // Has it run, and its ancestors as far as it needs them. An error where it may not be started
  // yet; then it is to be, at Describe().starts_again_at.
  absl::Status Use();
  // In between it is not evicted: somebody waits for it.
  void Hold() { ++waiters_; }
  void Release();

  const TemplateOptions& options() const { return place_.options; }
  size_t kind() const { return place_.kind; }
  int layout() const { return place_.layout; }
  // Null: not started, or evicted.
  TemplateLink* link() const { return link_.get(); }
  // That a launch can be sent to it now, and is served at once, or when it has warmed up.
  bool Runs() const;
  bool Serves() const;
  // It runs, or one above it does, so that only what is below that need be started.
  bool StandsOnOneThatRuns() const;
  // How often it was started: which of its processes an answer is from.
  uint64_t starts() const { return starts_; }
  // Of what it forks, and its blanks.
  ParentThread parent_thread() const { return parent_thread_; }
  // It and what it needs above it may be started now.
  bool IsDue() const;
  bool IsToBeStarted() const { return retry_ != 0; }
  // It, or one above it that it needs, has died and has not served again since.
  bool IsRecovering() const;
  // It is the init of a pid namespace, and forks nothing (kHostsChildren).
  bool CannotFork() const;
  // Ok where it is due; or why it died, how often, and until when it is backed off from, or that it
  // is given up.
  absl::Status WhyNotYet() const;
  // It is not started any more, and neither is what needs it.
  bool IsGivenUp() const;
  TemplateStatus Describe() const;

  PoolBounds bounds() const { return bounds_; }
  void SetBounds(PoolBounds bounds);
  // Of one that is in use; made when it is first asked for.
  BlankPool& pool();
  bool HasIdleBlank() const { return pool_ != nullptr && !pool_->idle_pids().empty(); }
  // Ends idle blanks, and forks none for a while.
  void ShrinkPool();

  // Answers that it owes, and after BeginEnd its own end where it is still starting.
  size_t unanswered() const;
  // Ends its blanks, and itself where it does not serve; from here on the answers that are still
  // owed are read as they come.
  void BeginEnd();
  // Where it still owes answers. Whether it had to be.
  bool KillUnanswering();
  // For the server's end, which waits for the process.
  std::unique_ptr<TemplateLink> TakeLink();

 private:
  // Of the parent, to the Fork of a start; kDelayed: the parent died first.
  enum class Answer : uint8_t { kOwed, kGiven, kDelayed };

  void OnForked(uint64_t id, Process process, const ForkedMessage& forked) override;
  void OnForkFailed(uint64_t id, const FailedMessage& failed) override;
  void OnTemplateDead(uint64_t id, const absl::Status& why) override;
  void OnNoChild(uint64_t id) override;

  std::string Label() const;
  TemplateLink* ParentLink() const;
  int64_t MayStartAt() const;
  void UseAt(int64_t when);
  void CountDeath();
  bool is_observed() const { return kObservesLaunches && host_.observer != nullptr; }
  void Show(TemplateEvent::Kind kind, absl::Status why = absl::OkStatus()) const;
  void ShowState();
  void SetProcess(Process process);
  absl::Status UseRoot();
  absl::Status Launch(TemplateLink* parent);
  absl::Status Fail(absl::Status why);
  absl::Status FailUnborn(absl::Status why);
  void OnState();
  void LearnWhyNotForked();
  void KillForParent();
  absl::StatusOr<std::unique_ptr<TemplateSandbox>> AdmitSandbox(const HelloMessage& hello,
                                                                DescriptorList& descriptors);
  void WatchLifeline();
  void UnwatchLifeline();
  void EndStart();
  int64_t IdleAt() const;
  void WatchForIdleness();
  void Evict();

  const Place place_;
  const TemplateHost& host_;
  SandboxHost& sandboxes_;
  const std::function<void()> on_change_;
  PoolBounds bounds_;
  TemplateLink* seed_ = nullptr;  // of a root that it is to be forked from
  std::unique_ptr<TemplateLink> link_;
  std::unique_ptr<BlankPool> pool_;  // null until it is used
  uint64_t starts_ = 0;
  uint64_t start_request_ = 0;
  // For the observer: of this start, once it is known, and whether it was told that it serves.
  std::optional<pid_t> pid_ = {};
  bool is_shown_serving_ = false;
  ParentThread parent_thread_ = ParentThread::kStart;
  Answer answer_ = Answer::kGiven;
  absl::Status why_delayed_ = {};  // of Answer::kDelayed
  // Of earlier starts, dead, whose process the parent has still to tell.
  absl::flat_hash_map<uint64_t, std::unique_ptr<TemplateLink>> buried_alive_;
  bool is_ending_ = false;
  int waiters_ = 0;
  int64_t last_used_ = 0;
  RestartPolicy restart_;
  TemplateLink::State counted_ = TemplateLink::State::kStarting;  // what restart_ knows of
  bool has_died_ = false;                                         // and not served since
  absl::Status last_death_;
  EventLoop::TimerId retry_ = 0;
  int64_t retry_at_ = 0;
  EventLoop::TimerId eviction_ = 0;
  EventLoop::WatchId lifeline_ = 0;
  // Of the template that it was forked from, where that is sandboxed.
  std::shared_ptr<SandboxChain> parents_chain_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_TEMPLATE_INSTANCE_H_
