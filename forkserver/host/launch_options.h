// What a launch is asked for, and what it gives.
//
//     LaunchOptions options = {.type = ProcessType::kContent, .argv = {"content", "--site=a"}};
//     options.Map(socket.get(), 5);
//     options.limits.push_back({RLIMIT_NOFILE, 64, 64});
//     absl::StatusOr<LaunchedChild> child = server->Launch(options);
//
// Descriptors in the options are borrowed for the call of Launch or LaunchAsync; the child gets
// duplicates at the numbers that are named, and no other descriptor than those, its stdio and its
// launch socket, which has whatever number is not named.
#ifndef FORKSERVER_HOST_LAUNCH_OPTIONS_H_
#define FORKSERVER_HOST_LAUNCH_OPTIONS_H_

#include <signal.h>
#include <stdint.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "child/plan.h"
#include "child/process_types.h"
#include "child/ready.h"
#include "child/sandbox/sandbox_report.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/launched_by.h"
#include "forkserver/host/process.h"
#include "transceiver/frame.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

enum class LaunchWay : uint8_t {
  // As kTemplate; but where its template has died and does not serve again yet, as kExec. The child
  // comes to the same Ready, in milliseconds; LaunchedChild::by tells. It differs from the
  // template's in what kExec says.
  kAny,
  // A blank that waits in the template's pool, or a fork where there is none. Where the template
  // died, the launch waits for its next start, or fails with a Status that says until when there is
  // none.
  kTemplate,
  kFork,  // a fork of the template for this launch
  // Exec of this program from its pinned descriptor: slower, and needs no template. The child has
  // nothing that warm-ups made, has an address layout of its own, stays in the host's pid namespace
  // where it is sandboxed, and sends SIGCHLD.
  kExec,
};

// What becomes of a launch whose template dies when it has been asked and no child is Ready.
enum class WhenTemplateDies : uint8_t {
  // It is sent again, as its LaunchWay says of a template that has died: so it is late, and has not
  // failed. Nobody can tell it from a launch that began later: the first child, if there came to be
  // one, is dead (nobody holds its end of the launch socket, which is how the host knows), and no
  // instruction of its program has run, since it was not Ready. So one launch has one child that is
  // Ready, or none. Deadline and Cancel count from the first time; three times is the most. A
  // template that says which step of its start failed is not asked again: that is the launch's
  // LaunchFailure. A LaunchAsync keeps duplicates of the descriptors until it has ended; where
  // there is no room for those, it is not sent again.
  kSendAgain,
  // It fails with the Status of the template's death: for whoever wants to know of that at once, or
  // would choose another launch then.
  kFail,
};

// Whose addresses the child has. The kernel draws them once for each exec, and forks keep them: an
// address that one child of a root gives away is true in all children of that root.
enum class Layout : uint8_t {
  kShared,  // one of StartOptions::layouts, whichever's turn it is
  // Its own: by exec, whatever `way` says, at some 14 times the price of a fork (README,
  // exec_ready). It has nothing that a template's warm-ups have made, and sends SIGCHLD.
  // InvalidArgument together with LaunchWay::kFork.
  kOwn,
};

// Whether the kernel says who sent each packet that the launch socket brings (SCM_CREDENTIALS,
// Packet::sender_pid), from before the child has its end. For an actor that believes its peer only.
enum class Senders : uint8_t { kUntold, kTold };

// What lies in the launch socket behind the Plan: the program's first packets, which need not wait
// for Ready. All borrowed for the call of Launch or LaunchAsync.
struct FirstPacket {
  Frame frame = {};  // of an application type
  std::span<const uint8_t> payload = {};
  std::span<const int> descriptors = {};
};

struct DescriptorMapping {
  int fd;      // the host's, borrowed
  int target;  // the child's number; 3 or more (0 to 2 are LaunchOptions::stdio)
  OnExec on_exec = OnExec::kClose;
};

// Where one of the child's stdin, stdout and stderr comes from.
struct Stdio {
  enum class Kind : uint8_t { kInherit, kNull, kDescriptor };

  Kind kind = Kind::kInherit;  // kInherit: what the host had at its start
  int fd = -1;                 // kDescriptor: the host's, borrowed

  static Stdio Null() { return {Kind::kNull, -1}; }
  static Stdio Descriptor(int fd) { return {Kind::kDescriptor, fd}; }
};

struct LaunchOptions {
  ProcessType type = ProcessType::kParent;
  std::vector<std::string> argv = {};

  // The environment that the host had at its start, changed; or exactly what is set.
  EnvironmentBase environment_base = EnvironmentBase::kTemplate;
  std::vector<std::string> set_environment = {};    // "NAME=VALUE", each name once
  std::vector<std::string> unset_environment = {};  // "NAME"

  std::array<Stdio, 3> stdio = {};
  std::vector<DescriptorMapping> descriptors = {};

  std::string working_directory = {};  // empty: the host's at its start
  std::string name = {};               // at most 15 bytes; empty: the name of the type
  std::string title = {};              // what ps shows; empty: the template's, or the program's
  std::vector<ResourceLimit> limits = {};
  std::optional<int> nice = {};
  // What the child gets when the thread that called Start ends; 0 for nothing. An exec that is
  // asked for on another thread has none: its parent is that thread. Such a child sees the host's
  // end by the hang-up of its channel only.
  int parent_death_signal = SIGKILL;

  LaunchWay way = LaunchWay::kAny;
  // kSendAgain, so that only who wants to need care that templates die.
  WhenTemplateDies when_template_dies = WhenTemplateDies::kSendAgain;
  Layout layout = Layout::kShared;
  Senders senders = Senders::kUntold;
  // Sent as far as the socket has room: LaunchedChild::first_packets_sent.
  std::span<const FirstPacket> first_packets = {};
  // Which of StartOptions::templates; "root" for the root. Empty: the one that serves the type.
  std::string template_name = {};
  // What a report of its death is to say of it, also where it does not come as far as Ready. More:
  // LaunchedChild::flight. Kept where the host keeps flight records.
  std::map<std::string, std::string> annotations = {};
  // From the call to Ready. The launch fails with DeadlineExceeded after it, and the child is
  // killed and reaped.
  absl::Duration timeout = absl::Seconds(10);

  LaunchOptions& Map(int fd, int target, OnExec on_exec = OnExec::kClose) {
    descriptors.push_back({fd, target, on_exec});
    return *this;
  }
};

// When what happened, in nanoseconds of NowNanos. A 0 is a phase that this launch did not have; a
// blank of a pool was forked before it was requested.
struct LaunchTimes {
  int64_t requested_at = 0;
  int64_t template_received_at = 0;
  int64_t template_cloned_at = 0;
  int64_t ready_received_at = 0;
  ReadyMessage child;

  absl::Duration ToReady() const { return absl::Nanoseconds(ready_received_at - requested_at); }
};

// A child that is Ready. Destroying it kills the child, as Process says.
struct LaunchedChild {
  Process process;
  // The host's end of the launch socket, from here on the child's first channel. For a Channel
  // or a MiniTransceiver. The last close of it may wait for what a child that lies has left in it:
  // a Channel's does not, nor CloseStrangersSocket (transceiver/close_strangers.h).
  UniqueFd socket;
  LaunchTimes times;
  LaunchedBy by = LaunchedBy::kFork;
  std::string template_name = {};  // whose child it is, for reports; empty: it was exec'ed
  int layout = 0;
  size_t first_packets_sent = 0;
  // Which layers its sandbox has, and why not the others; null: it has none.
  std::shared_ptr<const SandboxReport> sandbox = {};
  // For what the host knows of it, and a report of its death is to say; null: nobody keeps records.
  std::shared_ptr<Flight> flight = {};
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCH_OPTIONS_H_
