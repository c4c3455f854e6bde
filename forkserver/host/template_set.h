// All templates of a host: the seed, the roots, and those that are forked below them.
//
//     absl::StatusOr<LaunchSource> source = templates.SourceOf(options);   // starts what it needs
//
// A template is started by a launch like any other, of type forkserver, from its parent. Nothing
// waits for it: Forks lie in its socket until it serves. One that died or was evicted is started
// again when it is used next, and so is a root: from the seed, or by exec where the seed is dead
// too or the layout is a further one.
//
// Each layout has a root, the first forked from the seed and the others exec'ed, and below it a
// tree of the same templates: so a template is there once in each layout, with a process, a pool
// and an end of its own. Launches take those that serve in turn. One that does not run is started
// by the launch that passes it over, and nobody waits for it: one by each launch at most, so that
// launches stay cheap, and none that is backed off from, so that a warm-up that always crashes does
// not keep the machine busy. Where none serves, the launch waits for the first that is starting, or
// else starts the first that can be.
//
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_TEMPLATE_SET_H_
#define FORKSERVER_HOST_TEMPLATE_SET_H_

#include <stdint.h>

#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "forkserver/host/bootstrap.h"
#include "forkserver/host/broker/broker.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/host/launch_source.h"
#include "forkserver/host/sandbox_host.h"
#include "forkserver/host/server_end.h"
#include "forkserver/host/template_instance.h"
#include "forkserver/host/template_link.h"
#include "forkserver/host/template_options.h"
#include "forkserver/host/template_status.h"

namespace forkserver {

enum class SeedRole : uint8_t {
  kForksRoot,
  kHoldsNamespace,  // it is the init of the pid namespace that all others are in, and only that
};

class TemplateSet {
 public:
  // `options` has passed CheckTemplateOptions; `layouts` is how many roots there are to be.
  TemplateSet(TemplateHost host, std::vector<TemplateOptions> options, int layouts,
              BrokerOptions broker_options);
  TemplateSet(const TemplateSet&) = delete;
  TemplateSet& operator=(const TemplateSet&) = delete;

  absl::Status StartSeed(Seed seed, SeedRole role);
  // The first is a child of the seed, or of an exec where there is none that forks it; the others
  // are exec'ed. On the thread that the children take for the host's life: it is the parent of what
  // it exec's, and of what that forks. One that is started again later has whichever thread used
  // it.
  absl::Status StartRoots();
  // Those that are to be there before they are used, in each layout.
  absl::Status StartAhead();

  // NotFound: no template of that name. InvalidArgument: the options contradict each other.
  absl::StatusOr<LaunchSource> SourceOf(const LaunchOptions& options);

  // From here to root(), of the first layout's.
  //
  // Starts it if it does not run, or has it started when it may be (TemplateStatus).
  absl::Status Start(std::string_view name);
  // Ok, or until when it is not to be started.
  absl::Status WhyNotYet(std::string_view name) const { return Find(name)->WhyNotYet(); }
  // In between it is not evicted: somebody waits for it. Of one that Start knows.
  void Hold(std::string_view name);
  void Release(std::string_view name);
  // Nothing: no template of that name.
  std::optional<TemplateStatus> StatusOf(std::string_view name) const;
  // Null: safe mode, it was never started.
  TemplateLink* root() { return templates_.front().link(); }
  uint64_t root_starts() const { return templates_.front().starts(); }

  // Layout by layout, in each of them the root first.
  std::vector<TemplateStatus> All() const;
  std::optional<pid_t> seed_pid() const;
  // Ok, or why the first of those that are given up is.
  absl::Status safe_mode() const;

  // Null: nothing is sandboxed yet.
  SandboxReporter* reporter() { return sandboxes_->reporter(); }

  // Of its pool, in each layout; of one that is given up it starts nothing. NotFound: no template
  // of that name.
  absl::Status SetPool(std::string_view name, PoolBounds bounds);
  // Ends idle blanks, and forks none for a while.
  void ShrinkPools();

  // Answers that templates owe, and after BeginEnd templates that are still starting: each may be a
  // child to reap.
  size_t unanswered() const;
  // Counts every change of what StatusOf says.
  uint64_t changes() const { return changes_; }

  // Ends what is not serving, and all blanks; from here on the answers that are still owed are
  // read as they come.
  void BeginEnd();
  // Of those that still owe answers: asked to end, they would first fork what was asked for, and
  // nobody would be left to reap it.
  void KillUnanswering(ServerEnd& end);
  // A template that was asked to end.
  struct Ending {
    std::string name;
    Process process;
  };

  // Asks all templates to end, and gives them up.
  std::vector<Ending> AskToEnd(ServerEnd& end);
  // Kills those that have not ended by then, lets go of what cannot be reaped, and stops the
  // broker. Waits; the loop is not needed.
  void WaitForEnd(std::vector<Ending> asked, absl::Duration patience, ServerEnd& end);

 private:
  LaunchSource ByExec(const TemplateInstance& one) const;
  TemplateInstance* Find(std::string_view name);
  const TemplateInstance* Find(std::string_view name) const {
    return const_cast<TemplateSet*>(this)->Find(name);
  }
  TemplateInstance& ForType(ProcessType type);
  TemplateInstance& InLayout(size_t kind, size_t layout) {
    return templates_[layout * kinds_ + kind];
  }
  PoolBounds BoundsOf(ProcessType type) const;
  bool IsForDebuggedOnly(const TemplateOptions& options) const;
  PoolBounds BoundsOf(const TemplateOptions& options) const;

  // Whose turn it is among the layouts; `first` is the first one's.
  TemplateInstance& Choose(const TemplateInstance& first);
  TemplateInstance& NearestToServing(size_t kind);

  const TemplateHost host_;
  uint64_t changes_ = 0;
  SeedRole seed_role_ = SeedRole::kForksRoot;
  std::unique_ptr<TemplateLink> seed_;  // null where the root was exec'ed
  std::unique_ptr<SandboxHost> sandboxes_;
  const size_t kinds_;  // templates of a layout, its root included
  const size_t layouts_;
  std::vector<size_t> turns_;  // of each kind: the layout that is next
  // Layout by layout, the root first. A deque, since they stay where they are made.
  std::deque<TemplateInstance> templates_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_TEMPLATE_SET_H_
