// All templates of a host: the seed, the roots, and those that are forked below them.
//
//     absl::StatusOr<LaunchSource> source = templates.SourceOf(options);   // starts what it needs
//
// A template is started by a launch like any other, of type forkserver, from its parent. Nothing
// waits for it: Forks lie in its socket until it serves. One that died or was evicted is started
// again when it is used next; a root is not (a dead root is a Status of every launch that needs
// it).
//
// Each layout has a root, the first forked from the seed and the others exec'ed, and below it a
// tree of the same templates: so a template is there once in each layout, with a process, a pool
// and an end of its own. Launches take those that serve in turn. One that does not run is started
// by the launch that passes it over, and nobody waits for it: one by each launch at most, so that
// launches stay cheap, and one that died not before a second has passed since its start, so that a
// warm-up that always crashes does not keep the machine busy. Where none serves, the launch waits
// for the first that is starting, or else starts the first that can be.
//
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_TEMPLATE_SET_H_
#define FORKSERVER_HOST_TEMPLATE_SET_H_

#include <stdint.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "forkserver/host/blank_pool.h"
#include "forkserver/host/bootstrap.h"
#include "forkserver/host/immediate_launches.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/host/launch_source.h"
#include "forkserver/host/orphan_blanks.h"
#include "forkserver/host/plan_message.h"
#include "forkserver/host/reaper.h"
#include "forkserver/host/request_ids.h"
#include "forkserver/host/sandbox_chain.h"
#include "forkserver/host/sandbox_host.h"
#include "forkserver/host/self_exec.h"
#include "forkserver/host/template_link.h"
#include "forkserver/host/template_options.h"
#include "forkserver/server/hello.h"
#include "forkserver/server/template_program.h"
#include "preload/prefs/prefs_store.h"

namespace forkserver {

// For reports; of a template in one layout.
struct TemplateStatus {
  enum class State : uint8_t { kNotStarted, kStarting, kServing, kDead };

  std::string name;
  std::string parent;  // empty for the root
  int layout = 0;      // 0: below the root that the seed has forked
  State state = State::kNotStarted;
  absl::Status why_dead = {};           // of kDead
  std::optional<pid_t> pid = {};        // once it is known
  std::optional<pid_t> init_pid = {};   // of the pid namespace that it has made for its children
  std::vector<pid_t> idle_blanks = {};  // that wait in its pool
  HelloMessage hello = {};              // of kServing
};

class TemplateSet : private ForkRequester {
 public:
  // `options` has passed CheckTemplateOptions; `layouts` is how many roots there are to be.
  // `prefs`: those of the moment, for the sandboxes' levels. `on_pong` hears of every answered
  // Ping.
  TemplateSet(EventLoop& loop, Reaper& reaper, RequestIds& ids, const ImmediateLaunches& immediate,
              const HostFacts& facts, const SelfImage& self, const TemplateMakings& makings,
              const PrefsGeneration& prefs, std::vector<TemplateOptions> options, int layouts,
              BrokerOptions broker_options, std::function<void(uint64_t id)> on_pong);
  TemplateSet(const TemplateSet&) = delete;
  TemplateSet& operator=(const TemplateSet&) = delete;
  ~TemplateSet();

  absl::Status StartSeed(Seed seed);
  // The first is a child of the seed, or of an exec where there is none; the others are exec'ed. On
  // the thread that the children take for the host's life: it is the parent of what it exec's, and
  // of what that forks.
  absl::Status StartRoots();
  // Those that are to be there before they are used, in each layout.
  absl::Status StartAhead();

  // NotFound: no template of that name. InvalidArgument: the options contradict each other.
  absl::StatusOr<LaunchSource> SourceOf(const LaunchOptions& options);

  // From here to root(), of the first layout's.
  //
  // Starts it if it does not run.
  absl::Status Start(std::string_view name);
  // In between it is not evicted: somebody waits for it. Of one that Start knows.
  void Hold(std::string_view name);
  void Release(std::string_view name);
  // Nothing: no template of that name.
  std::optional<TemplateStatus> StatusOf(std::string_view name) const;
  TemplateLink& root() { return *templates_.front().link; }

  // Layout by layout, in each of them the root first.
  std::vector<TemplateStatus> All() const;
  std::optional<pid_t> seed_pid() const;

  // Null: nothing is sandboxed yet.
  SandboxReporter* reporter() { return sandboxes_->reporter(); }

  // Of its pool, in each layout. NotFound: no template of that name.
  absl::Status SetPool(std::string_view name, PoolBounds bounds);
  // Ends idle blanks, and forks none for a while.
  void ShrinkPools();

  // Answers that templates owe, and after BeginEnd templates that have not said their pid: each may
  // be a child to reap.
  size_t unanswered() const;
  // Counts every change of what StatusOf says.
  uint64_t changes() const { return changes_; }

  // Ends what is not serving, and all blanks; from here on the answers that are still owed are
  // read as they come.
  void BeginEnd(const absl::Status& why);
  // Of those that still owe answers: asked to end, they would first fork what was asked for, and
  // nobody would be left to reap it.
  void KillUnanswering();
  // Asks each template to end, waits a moment for it, and kills it then.
  void End();

 private:
  // Of the parent, to the Fork of a start.
  enum class Answer : uint8_t { kOwed, kGiven, kLost };

  // A template of one layout.
  struct Template {
    TemplateOptions options;
    size_t kind = 0;  // its place among the templates of a layout; the same in each
    int layout = 0;
    Template* parent = nullptr;  // of the same layout; null: a root
    PoolBounds bounds = kNoPool;
    std::unique_ptr<TemplateLink> link = {};  // null: not started
    std::unique_ptr<BlankPool> pool = {};     // null until it is used
    uint64_t start_request = 0;
    Answer answer = Answer::kGiven;
    int waiters = 0;
    int64_t last_used = 0;
    int64_t started_at = 0;
    EventLoop::TimerId eviction = 0;
    // Of the template that it was forked from, where that is sandboxed.
    std::shared_ptr<SandboxChain> parents_chain = {};
    // What a parent that died without an answer had for it.
    std::optional<SandboxMembership> orphaned_from = {};
    EventLoop::WatchId lifeline = 0;
  };

  void OnForked(uint64_t id, Process process, const ForkedMessage& forked) override;
  void OnForkFailed(uint64_t id, const FailedMessage& failed) override;
  void OnTemplateDead(uint64_t id, const absl::Status& why) override;

  Template* Find(std::string_view name);
  const Template* Find(std::string_view name) const {
    return const_cast<TemplateSet*>(this)->Find(name);
  }
  Template* FindByRequest(uint64_t id);
  Template& ForType(ProcessType type);
  Template& InLayout(size_t kind, size_t layout) { return templates_[layout * kinds_ + kind]; }
  // That a launch can be sent to it now, and is served at once, or when it has warmed up.
  static bool Runs(const Template& one);
  static bool Serves(const Template& one);
  // It runs, or one above it does.
  static bool CanRun(const Template& one);
  PoolBounds BoundsOf(ProcessType type) const;
  PoolBounds BoundsOf(const TemplateOptions& options) const;
  static std::string Label(const Template& one);
  static TemplateStatus Describe(const Template& one);

  // Whose turn it is among the layouts; `first` is the first one's.
  Template& Choose(Template& first);
  Template& NearestToServing(size_t kind);
  void WarmUpUnasked(Template& one);
  absl::Status Use(Template& one);
  BlankPool& PoolOf(Template& one);
  absl::Status Launch(Template& one, TemplateLink* parent);
  static absl::Status Fail(Template& one, absl::Status why);
  void OnState(Template& one);
  void AdoptOrphan(Template& one);
  absl::StatusOr<std::unique_ptr<TemplateLink::Sandbox>> AdmitSandbox(Template& one,
                                                                      const HelloMessage& hello,
                                                                      DescriptorList& descriptors);
  void WatchLifeline(Template& one);
  void UnwatchLifeline(Template& one);
  void EndStart(Template& one);
  static int64_t IdleAt(const Template& one);
  void WatchForIdleness(Template& one);
  void Evict(Template& one);

  EventLoop& loop_;
  Reaper& reaper_;
  RequestIds& ids_;
  const ImmediateLaunches& immediate_;
  const HostFacts& facts_;
  const SelfImage& self_;
  const TemplateMakings& makings_;
  const std::function<void(uint64_t id)> on_pong_;
  const PrefsGeneration& prefs_;
  OrphanBlanks orphans_;
  uint64_t changes_ = 0;
  absl::Status why_ending_;             // ok until BeginEnd
  std::unique_ptr<TemplateLink> seed_;  // null where the root was exec'ed
  std::unique_ptr<SandboxHost> sandboxes_;
  const size_t kinds_;  // templates of a layout, its root included
  const size_t layouts_;
  std::vector<size_t> turns_;  // of each kind: the layout that is next
  // Layout by layout, the root first; never grows: pointers into it are kept.
  std::vector<Template> templates_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_TEMPLATE_SET_H_
