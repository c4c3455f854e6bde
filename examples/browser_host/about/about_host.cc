#include "examples/browser_host/about/about_host.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/about/pref_text.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/actor/actor.h"
#include "transceiver/actor/resolver.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/one_line.h"
#include "transceiver/token_bucket.h"

namespace browser_host {
namespace {

using forkserver::ChildId;
using forkserver::PrefEntry;
using forkserver::PrefsMap;
using forkserver::Resolver;

template <size_t kLimit>
forkserver::Text<kLimit> Cut(std::string_view text) {
  return forkserver::Text<kLimit>(text.substr(0, kLimit));
}

ProcessField FieldOf(const AboutProcess& process) {
  return {.pid = process.pid,
          .type = Cut<kMaxProcessTextBytes>(process.type),
          .remote_type = Cut<kMaxProcessTextBytes>(process.remote_type),
          .state = Cut<kMaxProcessTextBytes>(process.state),
          .pages = process.pages,
          .private_kib = process.private_kib,
          .launch_micros = process.launch_micros};
}

PrefField FieldOf(const PrefEntry& pref) {
  const std::string value = TextOfPref(pref.effective());
  return {.name = forkserver::Text<kMaxPrefNameBytes>(pref.name),
          .kind = KindOf(pref.type),
          .value = Cut<kMaxShownPrefBytes>(value),
          .is_cut = value.size() > kMaxShownPrefBytes,
          .is_user_set = pref.user_value.has_value(),
          .is_default = pref.default_value == pref.effective(),
          .is_locked = pref.locked};
}

// The first whose name comes behind it.
size_t IndexBehind(const PrefsMap& map, std::string_view name) {
  size_t low = 0;
  size_t high = map.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (map.at(middle).name <= name) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

absl::StatusOr<PrefsMap> Attach(const forkserver::PrefsGeneration& generation) {
  PrefsMap map;
  const int error = PrefsMap::Attach(generation.fd->get(), map);
  if (error != 0) return forkserver::ErrnoStatus(error, "attach prefs map");
  return map;
}

}  // namespace

absl::Status MayEditAllButSandboxes(std::string_view name) {
  if (!name.starts_with("security.sandbox.")) return absl::OkStatus();
  return absl::PermissionDeniedError("not from a page");
}

class AboutHost::Line
    : public forkserver::Actor<AboutHost::Line, AboutData, forkserver::Side::kParent> {
 public:
  Line(AboutHost& host, ChildId process) : host_(host), process_(process) {}

  ChildId process() const { return process_; }

  absl::Status Receive(GetProcesses& message, Resolver<ProcessesListed> resolver) {
    if (message.first == 0) {
      if (absl::Status room = Take(); !room.ok()) return Refuse(resolver, room);
      processes_ =
          host_.options_.processes ? host_.options_.processes() : std::vector<AboutProcess>();
    }
    const size_t count = std::min(processes_.size(), kMostProcessRows);
    ProcessesListed listed = {.count = static_cast<uint32_t>(count),
                              .left_out = static_cast<uint32_t>(processes_.size() - count)};
    for (size_t i = message.first; i < count; ++i) {
      if (listed.rows.items.size() == kMaxProcessesOfAMessage) break;
      listed.rows.items.push_back(FieldOf(processes_[i]));
    }
    return resolver.Resolve(listed);
  }

  absl::Status Receive(GetPrefs& message, Resolver<PrefsListed> resolver) {
    if (!message.after || map_.generation() == 0) {
      if (absl::Status taken = TakePrefs(); !taken.ok()) return Refuse(resolver, taken);
    }
    PrefsListed listed;
    size_t next = message.after ? IndexBehind(map_, message.after->view()) : 0;
    for (; next < map_.size() && listed.prefs.items.size() < kMaxPrefsOfAMessage; ++next) {
      const PrefEntry pref = map_.at(next);
      if (pref.name.size() > kMaxPrefNameBytes) {
        ++listed.left_out;
      } else {
        listed.prefs.items.push_back(FieldOf(pref));
      }
    }
    listed.is_last = next == map_.size();
    return resolver.Resolve(listed);
  }

  absl::Status Receive(SetPref& message, Resolver<PrefSet> resolver) {
    if (absl::Status room = Take(); !room.ok()) return Refuse(resolver, room);
    const absl::StatusOr<uint64_t> generation = host_.Edit(message);
    if (!generation.ok()) return Refuse(resolver, generation.status());
    return resolver.Resolve({.generation = *generation});
  }

  // Destroys this.
  void ActorDestroy(const forkserver::ActorEnd&) override {
    host_.lines_.remove_if([this](const Line& line) { return &line == this; });
  }

 private:
  template <typename Reply>
  static absl::Status Refuse(Resolver<Reply>& resolver, const absl::Status& why) {
    resolver.Reject(why);
    return absl::OkStatus();
  }

  absl::Status Take() {
    if (bucket_.Take({.burst = kBurst, .per_second = kPerSecond}, forkserver::NowNanos())) {
      return absl::OkStatus();
    }
    return absl::ResourceExhaustedError("asked too often");
  }

  // The store's as it is now, published to nobody.
  absl::Status TakePrefs() {
    if (absl::Status room = Take(); !room.ok()) return room;
    const absl::StatusOr<forkserver::PrefsGeneration> now = host_.options_.prefs.Publish();
    if (!now.ok()) return now.status();
    absl::StatusOr<PrefsMap> map = Attach(*now);
    if (!map.ok()) return map.status();
    map_ = *std::move(map);
    return absl::OkStatus();
  }

  AboutHost& host_;
  const ChildId process_;
  forkserver::TokenBucket bucket_;
  std::vector<AboutProcess> processes_;  // of the list that is being told
  PrefsMap map_;
};

AboutHost::AboutHost(forkserver::ParentProcess& parent, Options options)
    : parent_(parent), options_(std::move(options)) {}

AboutHost::~AboutHost() = default;

absl::StatusOr<AboutChildsEnd> AboutHost::Open(const forkserver::ProcessHostCore& process) {
  absl::StatusOr<forkserver::EndpointPair<AboutData>> ends =
      parent_.CreateEndpointsWith<AboutData>(process);
  if (!ends.ok()) return ends.status();
  lines_.remove_if([&](const Line& line) { return line.process() == process.id(); });
  Line& line = lines_.emplace_back(*this, process.id());
  const absl::Status bound = line.Bind(parent_.loop(), std::move(ends->parent));
  if (!bound.ok()) {
    lines_.pop_back();
    return bound;
  }
  return std::move(ends->child);
}

absl::StatusOr<uint64_t> AboutHost::Edit(const SetPref& edit) {
  const std::string_view name = edit.name.view();
  const auto refused = [&](absl::StatusCode code, std::string_view why) {
    return absl::Status(code, absl::StrFormat("%s: %s", forkserver::OneLine(name.substr(0, 120)),
                                              std::string(why)));
  };
  if (absl::Status good = CheckPrefName(name); !good.ok()) return good;
  // First: whether there is such a pref, and of what kind, changes nothing about it.
  const absl::Status may = options_.may_edit ? options_.may_edit(name) : absl::OkStatus();
  if (!may.ok()) return refused(may.code(), std::string(may.message()));
  absl::StatusOr<forkserver::PrefsGeneration> before = options_.prefs.Publish();
  if (!before.ok()) return before.status();
  const absl::StatusOr<PrefsMap> map = Attach(*before);
  if (!map.ok()) return map.status();
  const std::optional<PrefEntry> pref = map->Find(name);
  if (!pref && !edit.kind) {
    return refused(absl::StatusCode::kNotFound, "no such pref, and of no kind");
  }
  const AboutPrefKind kind = edit.kind ? *edit.kind : KindOf(pref->type);
  if (pref && KindOf(pref->type) != kind) {
    return refused(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("is of kind ", std::string(PrefTypeName(pref->type)), ", not ",
                                std::string(KindName(kind))));
  }
  if (pref && pref->locked) return refused(absl::StatusCode::kPermissionDenied, "is locked");
  const absl::StatusOr<std::string> statement = UserPref(name, kind, edit.value.view());
  if (!statement.ok()) {
    return refused(statement.status().code(), std::string(statement.status().message()));
  }
  const std::vector<forkserver::PrefDiagnostic> complaints =
      options_.prefs.LoadText(*statement, "about:config");
  if (!complaints.empty()) {
    return refused(absl::StatusCode::kInvalidArgument, complaints.front().reason);
  }
  const absl::StatusOr<forkserver::PrefsGeneration> next = options_.prefs.Publish();
  if (!next.ok()) return next.status();
  if (options_.publish) {
    if (absl::Status published = options_.publish(*next); !published.ok()) return published;
  }
  return next->number;
}

}  // namespace browser_host
