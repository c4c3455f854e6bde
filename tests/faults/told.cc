#include "tests/faults/told.h"

#include <errno.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "transceiver/errno_status.h"

namespace forkserver::testing {
namespace {

using Roles = uint32_t;
constexpr Roles Of(Role role) { return Roles{1} << static_cast<uint32_t>(role); }
constexpr Roles kHost = Of(Role::kHost);
constexpr Roles kSeed = Of(Role::kSeed);
constexpr Roles kRoot = Of(Role::kRoot);
constexpr Roles kTemplate = Of(Role::kTemplate);
constexpr Roles kInit = Of(Role::kInit);
constexpr Roles kChild = Of(Role::kChild);
constexpr Roles kExeced = Of(Role::kExeced);
constexpr Roles kTemplates = kSeed | kRoot | kTemplate;
// They apply a Plan. A second root is exec'ed, and a template is a child until it warms up.
constexpr Roles kPlanned = kRoot | kChild | kExeced;

// Errnos beside those that have names.
constexpr int kAny = 0;
constexpr int kGone = -2;  // EPIPE or ECONNRESET
static_assert(kAny != kShort && kGone != kShort);

// An init's own, once its template serves.
constexpr absl::string_view kCallsOfAnInit = "dup3|ppoll|seccomp|landlock_restrict_self";
// Those that see a peer's end.
constexpr absl::string_view kCallsOnASocket = "sendmsg|recvmsg";

struct Words {
  Roles roles;
  absl::string_view calls;  // rows of calls.def, with "|" between them
  int error;                // kAny, kGone, or one
  absl::string_view text;   // a part of what is said

  bool AreOf(const Fault& fault, absl::string_view message) const {
    if ((roles & Of(fault.role)) == 0 || !absl::StrContains(message, text)) return false;
    const bool is_gone = fault.error == EPIPE || fault.error == ECONNRESET;
    if (error != kAny && error != fault.error && !(error == kGone && is_gone)) return false;
    const std::vector<absl::string_view> names = absl::StrSplit(calls, '|');
    return std::find(names.begin(), names.end(), kCallRows[fault.row].name) != names.end();
  }
};

// Between fork and Ready nobody makes sentences: the step stands for its call, and the errno comes
// behind it.
constexpr Words kSteps[] = {
    {kSeed | kRoot | kTemplate | kExeced, "clone|clone3", kAny, ": fork: "},
    {kTemplates | kPlanned, "recvmsg|mmap|madvise|fcntl|fstat", kAny, ": plan: "},
    {kPlanned, "prctl", kAny, ": parent-death signal: "},
    {kPlanned, "rt_sigprocmask", kAny, ": signal mask: "},
    {kPlanned, "fcntl|fstat|mmap", kAny, ": prefs: "},
    {kPlanned, "fcntl|dup3|close_range", kAny, ": descriptors, entry "},
    {kPlanned, "fcntl|dup3", kAny, ": stdio, entry "},
    {kPlanned, "chdir", kAny, ": working directory: "},
    {kPlanned, "prctl", kAny, ": name: "},
    {kPlanned, "setpriority", kAny, ": priority: "},
    {kPlanned, "prlimit64", kAny, ": limits, entry "},
    {kPlanned | kTemplates, "sendmsg", kAny, ": ready: "},
    {kTemplate | kChild | kExeced, "landlock_restrict_self|seccomp", kAny,
     ": sandbox: the child's own layers: "},
    // What an exec'ed child's own sandbox says is a layer.
    {kExeced, "capset|prctl", kAny, ": sandbox: no capabilities: "},
    {kExeced, "prctl", kAny, ": sandbox: no new privileges: "},
    // What the broker does for a child is that one's call.
    {kHost,
     "connect|faccessat2|fcntl|getsockopt|ioctl notif_addfd|lstat|mkdirat|newfstatat|openat2|"
     "open|pidfd_getfd|pidfd_open|process_vm_readv|process_vm_writev|read|readlink|readlinkat|"
     "renameat2|stat|statx|unlinkat",
     kAny, "a call of the child's: "},
};

// Where call and errno cannot both be said.
constexpr Words kOtherWords[] = {
    // A packet comes without its descriptors: what is said is why the kernel would do that.
    {kTemplates | kPlanned, "recvmsg", kShort, "descriptors lost on the way: EMFILE"},
    // The same of one that says who sent it, which has lost that too.
    {kHost, "recvmsg", kShort, "the child sent no message of the launch protocol"},
    // Whose peer is gone is told that, and not by which call.
    {kHost | kChild, kCallsOnASocket, kGone, "the peer is gone"},
    {kHost | kChild, kCallsOnASocket, kGone, "the peer went without Goodbye"},
    // A child that finds nobody ends; the host, which has not gone, sees its end (kExitOrphaned).
    {kChild | kExeced, kCallsOnASocket, kGone,
     "it ended before it was Ready: exited with status 124"},
    // Nobody can pretend the hang-up that a page waits for, when it takes the parent to be gone.
    // And it is not told a Goodbye where the parent takes that one to be.
    {kChild, kCallsOnASocket, kGone, "a process was never "},
    {kHost, "sendmsg", kGone, "the page exited with status 122"},
    // After Ready, with a status of its own (preload/refresh/process_secrets.h). A template's
    // parent hears of its end only.
    {kChild | kExeced, "getrandom", kAny, "the child exited with status 123"},
    {kRoot | kTemplate, "getrandom", kAny, " died: the peer is gone"},
    // A template's loop: its Hello has gone, and an answer that nobody asked for would break the
    // protocol. So it ends.
    {kTemplates, "recvmsg", kAny, " died: the peer is gone"},
    // What would tell it is what fails.
    {kTemplates, "sendmsg", kAny, " died: the peer is gone"},
    // It has no way to the host but its end, which ends its namespace: all that are in it are
    // killed, and nobody can be forked into it.
    {kInit, kCallsOfAnInit, kAny, "killed by SIGKILL"},
    {kInit, kCallsOfAnInit, kAny, "pid namespace has ended"},
    // An exec'ed program that is given no launch socket has nobody to tell.
    {kExeced, "getsockopt", ENOPROTOOPT, "it ended before it was Ready: exited with status 2"},
    // libseccomp has one errno for all that goes wrong in it; an exec'ed child has one for
    // libseccomp.
    {kTemplate, "write", kAny, "seccomp_export_bpf: ECANCELED"},
    {kTemplate, "write", kShort, "pread seccomp-filter: EFAULT"},
    {kExeced,
     "lseek|memfd_create|pread|write|seccomp_api_set|seccomp_attr_set|seccomp_export_bpf|"
     "seccomp_init|seccomp_rule_add_array",
     kAny, "sandbox: system calls: EINVAL"},
    // libpsl has none.
    {kHost, "psl_latest", kAny, "psl_latest"},
    // The broker's words to a child, whose call fails otherwise than its own did: it answers nobody
    // whose process it cannot see, and whose memory it may not look into is told EACCES.
    {kHost, "process_vm_readv|process_vm_writev|pidfd_getfd", EPERM,
     "a call of the child's: EACCES"},
    {kHost, "open|read|fopen|fgets", ENOENT, "a call of the child's: EPERM"},
    // A link that has gone meanwhile is none; one to a descriptor that the child does not have.
    {kHost, "readlinkat", ENOENT, "a call of the child's: EINVAL"},
    {kHost, "stat", ENOENT, "a call of the child's: EBADF"},
};

// Whether there is any errno's name at the end of a message, or of a part of it.
bool NamesAnErrno(absl::string_view message) {
  for (const absl::string_view part : absl::StrSplit(message, ": ")) {
    const size_t size = part.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    if (part.size() >= 4 && part[0] == 'E' && size == absl::string_view::npos) return true;
  }
  return false;
}

// A row's name as messages have it: without what arguments make of it, without the words of
// libseccomp's and the kernel's that say how it takes them, and without the C library's marks of
// what is its own.
bool NamesTheCall(absl::string_view message, absl::string_view row) {
  row = row.substr(0, row.find(' '));
  absl::ConsumePrefix(&row, "__");
  if (row == "seccomp_rule_add_array") row = "seccomp_rule_add";
  return absl::StrContains(message, row);
}

bool AnyIsOf(std::span<const Words> list, const Fault& fault, absl::string_view message) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Words& words) { return words.AreOf(fault, message); });
}

}  // namespace

bool IsTold(const absl::Status& status, const Fault& fault) {
  const std::string message(status.message());
  // The caller goes on where the kernel stopped, or says why it cannot.
  const bool has_errno = fault.error == kShort
                             ? NamesAnErrno(message)
                             : absl::StrContains(message, ": " + ErrnoName(fault.error));
  const bool has_call =
      NamesTheCall(message, kCallRows[fault.row].name) || AnyIsOf(kSteps, fault, message);
  return (has_errno && has_call) || AnyIsOf(kOtherWords, fault, message);
}

bool MayEndTemplate(const Fault& fault) {
  // What it receives, and what it would say by the call that fails.
  constexpr Words kDeaths[] = {
      {kRoot | kTemplate, kCallsOnASocket, kAny, ""},
      // Its host cannot hear it any more.
      {kHost, "recvmsg", ENOMEM, ""},
      {kInit, kCallsOfAnInit, kAny, ""},
  };
  return AnyIsOf(kDeaths, fault, "");
}

}  // namespace forkserver::testing
