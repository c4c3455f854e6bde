#include "child/apply_plan.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "child/place_descriptors.h"
#include "transceiver/launch_path.h"
#include "transceiver/raw_bytes.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

StepFailure Fail(LaunchStep step, int error, uint32_t index = 0) { return {step, error, index}; }

FORKSERVER_LAUNCH_PATH StepFailure ApplyProcessType(const PlanView& plan,
                                                    ChildUnderConstruction& child) {
  const ProcessTypeRow* row = FindProcessType(plan.type);
  if (row == nullptr) return Fail(LaunchStep::kProcessType, EINVAL);
  if (row->launchable == Launchable::kNo) return Fail(LaunchStep::kProcessType, EPERM);
  child.program = child.programs.Find(row->type);
  if (child.program == nullptr) return Fail(LaunchStep::kProcessType, ENOSYS);
  return {};
}

FORKSERVER_LAUNCH_PATH StepFailure ApplyParentDeath(const PlanView& plan,
                                                    ChildUnderConstruction& child) {
  if (plan.parent_death_signal == 0) return {};
  if (const int error = RawSyscallError(SYS_prctl, PR_SET_PDEATHSIG, plan.parent_death_signal);
      error != 0) {
    return Fail(LaunchStep::kParentDeath, error);
  }
  // The host may have died before that, and then no signal comes. Its end of the launch socket
  // is closed before its children get a new parent, so a socket that is still connected now
  // means a signal that will come. getppid alone would not do: it is 0 in a pid namespace whose
  // parent is outside.
  pollfd state = {.fd = child.launch_socket.get(), .events = POLLRDHUP, .revents = 0};
  const long parent = RawSyscall(SYS_getppid);
  const bool orphaned = plan.host_pid != 0 && parent != 0 && parent != plan.host_pid;
  const timespec at_once = {};
  const bool hung_up = RawSyscall(SYS_ppoll, &state, 1, &at_once, nullptr, sizeof(uint64_t)) > 0;
  if (orphaned || hung_up) return Fail(LaunchStep::kParentDeath, ESRCH);
  return {};
}

FORKSERVER_LAUNCH_PATH StepFailure ApplySignals(const PlanView& plan, ChildUnderConstruction&) {
  // The system call, since its mask is the 64 bits of the Plan and glibc's would leave out the
  // signals that it keeps for itself.
  const uint64_t mask = plan.signal_mask;
  const int error = RawSyscallError(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof(mask));
  return error == 0 ? StepFailure{} : Fail(LaunchStep::kSignals, error);
}

FORKSERVER_LAUNCH_PATH StepFailure ApplyPrefs(const PlanView& plan, ChildUnderConstruction& child) {
  if (!plan.prefs_descriptor) return {};
  if (*plan.prefs_descriptor >= child.received.size()) return Fail(LaunchStep::kPrefs, EBADF);
  const int error = PrefsMap::Attach(child.received.get(*plan.prefs_descriptor), child.prefs);
  return error == 0 ? StepFailure{} : Fail(LaunchStep::kPrefs, error);
}

// Of a template.
StepFailure MapBirths(const PlanView& plan, ChildUnderConstruction& child) {
  if (!plan.births_descriptor) return {};
  if (*plan.births_descriptor >= child.received.size()) return Fail(LaunchStep::kPlan, EBADF);
  const int error = MapBirthRecord(child.received.get(*plan.births_descriptor), child.births);
  return error == 0 ? StepFailure{} : Fail(LaunchStep::kPlan, error);
}

FORKSERVER_LAUNCH_PATH StepFailure ApplySandbox(const PlanView& plan,
                                                ChildUnderConstruction& child) {
  if (plan.sandbox_policy_count > 0) {
    // A fork has its template's. That of an exec'ed process opens a listener, when what else is
    // open has been closed.
    return child.execed_sandbox == nullptr ? Fail(LaunchStep::kSandbox, EINVAL) : StepFailure{};
  }
  // A template forks, and its children take away from themselves that they can.
  if (FindProcessType(child.program->type())->main_loop == MainLoop::kForkLoop) {
    return MapBirths(plan, child);
  }
  const int error =
      child.own_layers_error == kNotAdded ? AddOwnLayers(child.own_layers) : child.own_layers_error;
  return error == 0
             ? StepFailure{}
             : Fail(LaunchStep::kSandbox, error, static_cast<uint32_t>(SandboxLayer::kOwnFilter));
}

FORKSERVER_LAUNCH_PATH StepFailure ApplyDescriptors(const PlanView& plan,
                                                    ChildUnderConstruction& child) {
  const size_t numbers = DescriptorScratch(plan.descriptors.count, child.received.size());
  const StepFailure failure =
      PlaceDescriptors(plan.descriptors, child.received, child.launch_socket,
                       child.arena.Room<int>(child.plan_bytes, numbers));
  if (failure.failed()) return failure;
  if (plan.debug_pause_seconds) child.debug_pause.Begin(*plan.debug_pause_seconds);
  if (child.execed_sandbox != nullptr) child.program->BeforeSandbox();
  if (plan.sandbox_policy_count == 0) return failure;
  return child.execed_sandbox->Engage(
      std::span(plan.sandbox_policies).first(plan.sandbox_policy_count), plan.sandbox_required,
      child.prefs);
}

FORKSERVER_LAUNCH_PATH StepFailure ApplyWorkingDirectory(const PlanView& plan,
                                                         ChildUnderConstruction&) {
  if (plan.working_directory.empty()) return {};
  // Strings of a Plan end in a NUL.
  const int error = RawSyscallError(SYS_chdir, plan.working_directory.data());
  return error == 0 ? StepFailure{} : Fail(LaunchStep::kWorkingDirectory, error);
}

FORKSERVER_LAUNCH_PATH std::string_view VariableName(std::string_view entry) {
  return entry.substr(0, FindByte(entry, '='));
}

FORKSERVER_LAUNCH_PATH bool SectionHas(const PlanSection& section, std::string_view name) {
  ByteReader in = section.reader();
  for (uint32_t i = 0; i < section.count; ++i) {
    if (VariableName(in.String()) == name) return true;
  }
  return false;
}

// argv and environment: arrays of pointers into the Plan's own bytes.
FORKSERVER_LAUNCH_PATH StepFailure ApplyEnvironment(const PlanView& plan,
                                                    ChildUnderConstruction& child) {
  const bool has_templates = plan.environment_base == EnvironmentBase::kTemplate;
  const bool is_templates =
      has_templates && plan.set_environment.count == 0 && plan.unset_environment.count == 0;
  size_t count = size_t{plan.argv.count} + plan.set_environment.count + 2;  // 2: null pointers
  if (has_templates && !is_templates) {
    for (char** entry = environ; *entry != nullptr; ++entry) ++count;
  }
  std::span<char*> free_pointers = child.arena.Room<char*>(child.plan_bytes, count);
  size_t used = 0;
  const auto put = [&](const char* text) {
    if (used == free_pointers.size()) return false;
    free_pointers[used++] = const_cast<char*>(text);
    return true;
  };

  ByteReader arguments = plan.argv.reader();
  for (uint32_t i = 0; i < plan.argv.count; ++i) {
    if (!put(arguments.String().data())) return Fail(LaunchStep::kEnvironment, E2BIG, i);
  }
  if (!put(nullptr)) return Fail(LaunchStep::kEnvironment, E2BIG);
  child.argv = free_pointers.first(used - 1);
  // Not even looked at: that is three pages.
  if (is_templates) return {};
  free_pointers = free_pointers.subspan(used);
  used = 0;

  if (has_templates) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view name = VariableName(*entry);
      if (SectionHas(plan.set_environment, name) || SectionHas(plan.unset_environment, name)) {
        continue;
      }
      if (!put(*entry)) return Fail(LaunchStep::kEnvironment, E2BIG);
    }
  }
  ByteReader unset = plan.unset_environment.reader();
  for (uint32_t i = 0; i < plan.unset_environment.count; ++i) {
    const std::string_view name = unset.String();
    if (name.empty() || FindByte(name, '=') != name.size()) {
      return Fail(LaunchStep::kEnvironment, EINVAL, i);
    }
  }
  ByteReader variables = plan.set_environment.reader();
  for (uint32_t i = 0; i < plan.set_environment.count; ++i) {
    const std::string_view entry = variables.String();
    const size_t equals = FindByte(entry, '=');
    if (equals == entry.size() || equals == 0) return Fail(LaunchStep::kEnvironment, EINVAL, i);
    if (!put(entry.data())) return Fail(LaunchStep::kEnvironment, E2BIG, i);
  }
  if (!put(nullptr)) return Fail(LaunchStep::kEnvironment, E2BIG);
  child.environment = free_pointers.data();
  return {};
}

FORKSERVER_LAUNCH_PATH StepFailure ApplyName(const PlanView& plan, ChildUnderConstruction&) {
  if (plan.name.empty()) return {};
  if (plan.name.size() > kMaxProcessNameBytes) return Fail(LaunchStep::kName, ENAMETOOLONG);
  const int error = RawSyscallError(SYS_prctl, PR_SET_NAME, plan.name.data());
  return error == 0 ? StepFailure{} : Fail(LaunchStep::kName, error);
}

// The title is written over the argument strings of the image, which is what /proc/PID/cmdline
// shows. One that is longer than the room is cut: it is for people to read.
FORKSERVER_LAUNCH_PATH StepFailure ApplyTitle(const PlanView& plan, ChildUnderConstruction& child) {
  if (plan.title.empty()) return {};
  if (plan.title.size() > kMaxTitleBytes) return Fail(LaunchStep::kTitle, ENAMETOOLONG);
  const std::span<char> room = child.image.title_room;
  if (room.empty()) return Fail(LaunchStep::kTitle, ENOSPC);
  const size_t size = std::min(plan.title.size(), room.size() - 1);
  CopyBytes(room.data(), plan.title.data(), size);
  ClearBytes(room.data() + size, room.size() - size);
  return {};
}

FORKSERVER_LAUNCH_PATH StepFailure ApplyPriority(const PlanView& plan, ChildUnderConstruction&) {
  if (!plan.nice) return {};
  // The kernel would move a number that is out of range into it without a word.
  if (*plan.nice < -20 || *plan.nice > 19) return Fail(LaunchStep::kPriority, EINVAL);
  const int error = RawSyscallError(SYS_setpriority, PRIO_PROCESS, 0, *plan.nice);
  return error == 0 ? StepFailure{} : Fail(LaunchStep::kPriority, error);
}

FORKSERVER_LAUNCH_PATH StepFailure ApplyLimits(const PlanView& plan, ChildUnderConstruction&) {
  ByteReader in = plan.limits.reader();
  for (uint32_t i = 0; i < plan.limits.count; ++i) {
    const ResourceLimit limit = ReadResourceLimit(in);
    const rlimit value = {.rlim_cur = limit.soft, .rlim_max = limit.hard};
    const int error = RawSyscallError(SYS_prlimit64, 0, limit.resource, &value, nullptr);
    if (error != 0) return Fail(LaunchStep::kLimits, error, i);
  }
  return {};
}

struct StepRow {
  LaunchStep step;
  StepFailure (*apply)(const PlanView&, ChildUnderConstruction&);
};

constexpr StepRow kSteps[] = {
    {LaunchStep::kProcessType, ApplyProcessType},
    {LaunchStep::kParentDeath, ApplyParentDeath},
    {LaunchStep::kSignals, ApplySignals},
    {LaunchStep::kPrefs, ApplyPrefs},
    {LaunchStep::kSandbox, ApplySandbox},
    {LaunchStep::kDescriptors, ApplyDescriptors},
    {LaunchStep::kWorkingDirectory, ApplyWorkingDirectory},
    {LaunchStep::kEnvironment, ApplyEnvironment},
    {LaunchStep::kName, ApplyName},
    {LaunchStep::kTitle, ApplyTitle},
    {LaunchStep::kPriority, ApplyPriority},
    {LaunchStep::kLimits, ApplyLimits},
};

}  // namespace

FORKSERVER_LAUNCH_PATH StepFailure ApplyPlan(const PlanView& plan, ChildUnderConstruction& child) {
  for (const StepRow& row : kSteps) {
    if (child.flight_record != nullptr) {
      child.flight_record->step.store(static_cast<uint32_t>(row.step), std::memory_order_relaxed);
    }
    const StepFailure failure = row.apply(plan, child);
    if (failure.failed()) return failure;
    child.ready.done_at[static_cast<size_t>(row.step)] = child.image.clock.Now();
  }
  return {};
}

}  // namespace forkserver
