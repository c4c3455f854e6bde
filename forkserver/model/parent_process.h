// The parent process, as the process model has it: what all its hosts share.
//
//     std::unique_ptr<ParentProcess> parent =
//         *ParentProcess::Create({.server = *server, .loop = *loop});
//     parent->SetPrefs(*store.Publish());                   // also to the children that run
//     DummyHost dummy(*parent);
//     auto ends = parent->CreateEndpoints<Hotline>(content, dummy);  // the only maker of endpoints
//
// It drives the fork server from the embedder's loop, numbers the children, keeps the prefs and
// makes endpoints. Only the parent process has one, and so only it connects processes: an endpoint
// pair is made between types that the process-type table connects, for remote types that the
// protocol allows, and each end names the other.
//
// A protocol that only some remote types may use says so, by their kinds' names; whoever else asks
// is refused with PermissionDenied, also where the parent itself asks in its name. One of the two
// is of such a remote type, and the other one too, unless it is no content process:
//
//     struct Logins {
//       static constexpr std::string_view kRemoteTypes[] = {"privilegedabout"};
//       ...
//
// Ownership: borrows server and loop, which outlive it; hosts end before it. Threads: that of the
// loop; the server is not driven by another one (Driving::kCallers). After a fork: not usable in
// the child.
#ifndef FORKSERVER_MODEL_PARENT_PROCESS_H_
#define FORKSERVER_MODEL_PARENT_PROCESS_H_

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/process/content_messages.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/model/browser_records.h"
#include "forkserver/model/deferred_log.h"
#include "forkserver/model/model_prefs.h"
#include "forkserver/model/process_host_core.h"
#include "preload/prefs/prefs_map.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/actor/endpoint.h"
#include "transceiver/actor/visit_fields.h"
#include "transceiver/event_loop.h"
#include "transceiver/observer_list.h"

namespace forkserver {

class ParentProcess {
 public:
  struct Options {
    ForkServer& server;
    EventLoop& loop;
    // Hears, in one line, what nobody else is told of: a child that was killed for breaking its
    // protocol, a resolver that was dropped, launches that come by exec since the fork server is in
    // safe mode. Children's words in it are as OneLine leaves them. It
    // is called in the loop's next turn, and may destroy anything, the ParentProcess too; or by the
    // latter's destructor (deferred_log.h).
    std::function<void(std::string_view line)> log = {};
  };

  // Fails as EventLoop::Watch does.
  static absl::StatusOr<std::unique_ptr<ParentProcess>> Create(Options options);
  ParentProcess(const ParentProcess&) = delete;
  ParentProcess& operator=(const ParentProcess&) = delete;
  ~ParentProcess();

  ForkServer& server() const { return options_.server; }
  EventLoop& loop() const { return options_.loop; }
  const ModelPrefs& prefs() const { return prefs_; }

  // Launches from here on have this generation, and every child that runs is sent it. Fails where
  // there is no map, or it is none (PrefsMap::Attach); then nothing has changed.
  absl::Status SetPrefs(PrefsGeneration generation);
  // Called after each change, as an ObserverList does.
  using ObserverId = forkserver::ObserverId;
  ObserverId ObservePrefs(std::function<void(const ModelPrefs&)> observer) {
    return observers_.Add(std::move(observer));
  }
  void UnobservePrefs(ObserverId id) { observers_.Remove(id); }

  // A pair between two child processes, whose type's rows are connected. FailedPrecondition: one of
  // them does not run. PermissionDenied: the table does not connect their types, or the protocol is
  // not for one's remote type.
  template <typename Protocol>
  absl::StatusOr<EndpointPair<Protocol>> CreateEndpoints(const ProcessHostCore& parent_side,
                                                         const ProcessHostCore& child_side) {
    for (const ProcessHostCore* one : {&parent_side, &child_side}) {
      const ProcessHostCore* const other = one == &parent_side ? &child_side : &parent_side;
      // At the other end of a content process's is one without a remote type, as the table says.
      if (one->type() != ProcessType::kContent && other->type() == ProcessType::kContent) continue;
      if (absl::Status may = MayUse<Protocol>(*one); !may.ok()) return may;
    }
    if (absl::Status may = MayConnect(parent_side, child_side); !may.ok()) return may;
    return forkserver::CreateEndpoints<Protocol>(parent_side.AsPeer(), child_side.AsPeer());
  }

  // A pair between this process, which has the parent side, and a child. This side believes only
  // what the kernel says that child has sent (SCM_CREDENTIALS), and has the child killed when that
  // breaks the protocol. The actor that it is bound to ends before this.
  // Nothing on it may claim a browser: that is held against the record on a content process's port,
  // where it has an order to the browser's close.
  template <typename Protocol>
  absl::StatusOr<EndpointPair<Protocol>> CreateEndpointsWith(const ProcessHostCore& child) {
    static_assert(!HasFieldInAny<BrowserClaimField, Protocol>() &&
                      !HasFieldInAny<OwnedBrowserField, Protocol>(),
                  "claims are checked on a content process's own port alone (content_host.h)");
    if (absl::Status may = MayUse<Protocol>(child); !may.ok()) return may;
    if (absl::Status may = MayConnect(child); !may.ok()) return may;
    absl::StatusOr<EndpointPair<Protocol>> pair =
        forkserver::CreateEndpoints<Protocol>(AsPeer(), child.AsPeer());
    if (!pair.ok()) return pair.status();
    if (absl::Status checked = pair->parent.CheckSender(); !checked.ok()) return checked;
    pair->parent.OnViolation([this, id = child.id()](const absl::Status& why) { Kill(id, why); });
    return pair;
  }

  // Whether a process may use a protocol, by its remote type.
  template <typename Protocol>
  static absl::Status MayUse(const ProcessHostCore& process) {
    if constexpr (requires { Protocol::kRemoteTypes; }) {
      return CheckRemoteType(Protocol::kName, Protocol::kRemoteTypes, process);
    } else {
      return absl::OkStatus();
    }
  }

  // Hosts whose process runs or is being launched, in the order of their launches.
  const std::vector<ProcessHostCore*>& processes() const { return hosts_; }
  // From here on whatever is to be launched ends at once with Cancelled (end_processes.h).
  void RefuseLaunches() { refuses_launches_ = true; }
  bool refuses_launches() const { return refuses_launches_; }
  // Null: there is none, or no more.
  ProcessHostCore* Find(ChildId id) const;

  void Log(std::string_view line) { log_.Write(line); }

 private:
  friend class ProcessHostCore;

  explicit ParentProcess(Options options)
      : options_(std::move(options)), log_(options_.loop, options_.log) {}

  PeerName AsPeer() const;
  static absl::Status CheckRemoteType(std::string_view protocol,
                                      std::span<const std::string_view> allowed,
                                      const ProcessHostCore& process);
  static absl::Status MayConnect(const ProcessHostCore& one, const ProcessHostCore& other);
  static absl::Status MayConnect(const ProcessHostCore& child);

  ChildId NextId() { return ++last_id_; }
  void Kill(ChildId id, const absl::Status& why);
  // Of a launch. The first one that comes of the fork server's safe mode is logged.
  void NoteExec();
  void Add(ProcessHostCore& host) { hosts_.push_back(&host); }
  void Remove(ProcessHostCore& host);

  const Options options_;
  DeferredLog log_;
  EventLoop::WatchId server_watch_ = 0;
  PrefsGeneration generation_;
  ModelPrefs prefs_;
  ObserverList<const ModelPrefs&> observers_;
  std::vector<ProcessHostCore*> hosts_;
  ChildId last_id_ = 0;
  bool refuses_launches_ = false;
  bool has_told_of_safe_mode_ = false;
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_PARENT_PROCESS_H_
