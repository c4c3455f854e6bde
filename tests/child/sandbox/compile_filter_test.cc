#include "child/sandbox/compile_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include <set>

#include "child/sandbox/sandbox_policy.h"
#include "gtest/gtest.h"
#include "tests/child/sandbox/run_filter.h"
#include "tests/transceiver/open_descriptors.h"

namespace forkserver {
namespace {

using testing::kNativeArch;
using testing::RunFilter;

constexpr FilterKind kKinds[] = {FilterKind::kWithListener, FilterKind::kAlone,
                                 FilterKind::kBelowListener};

seccomp_data CallOf(long number, std::initializer_list<uint64_t> arguments = {}) {
  seccomp_data call = {};
  call.nr = static_cast<int>(number);
  call.arch = kNativeArch;
  std::copy(arguments.begin(), arguments.end(), call.args);
  return call;
}

std::vector<sock_filter> Compiled(const SystemCalls& calls, FilterKind kind) {
  const absl::StatusOr<std::vector<sock_filter>> filter = CompileFilter(calls, kind);
  EXPECT_TRUE(filter.ok()) << filter.status();
  return filter.ok() ? *filter : std::vector<sock_filter>();
}

// What the headers say that is done with a call.
bool Meets(const ArgumentCondition& condition, const seccomp_data& call) {
  const uint64_t argument = call.args[condition.index];
  switch (condition.test) {
    case ArgumentCondition::Test::kIs:
      return argument == condition.value;
    case ArgumentCondition::Test::kIsAtMost:
      return argument <= condition.value;
    case ArgumentCondition::Test::kMasked:
      break;
  }
  return (argument & condition.mask) == condition.value;
}

bool IsAllowed(const SystemCalls& calls, const seccomp_data& call) {
  const auto found = calls.rules().find(call.nr);
  if (found == calls.rules().end()) return false;
  if (found->second.is_allowed) return true;
  for (const SystemCalls::Conditions& all_of : found->second.allowed_when) {
    if (std::all_of(all_of.begin(), all_of.end(),
                    [&](const ArgumentCondition& one) { return Meets(one, call); })) {
      return true;
    }
  }
  return false;
}

uint32_t Expected(const SystemCalls& calls, FilterKind kind, const seccomp_data& call) {
  if (IsAllowed(calls, call)) return SECCOMP_RET_ALLOW;
  const CallAnswer answer = calls.AnswerTo(call.nr);
  if (kind == FilterKind::kWithListener && answer.told == HostIsTold::kYes) {
    return SECCOMP_RET_USER_NOTIF;
  }
  if (answer.kind == CallAnswer::Kind::kKill) return SECCOMP_RET_KILL_PROCESS;
  if (answer.kind == CallAnswer::Kind::kRefuse) {
    return SECCOMP_RET_ERRNO | static_cast<uint32_t>(answer.error);
  }
  return kind == FilterKind::kBelowListener ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EACCES;
}

// Arguments at the edges of what its conditions say.
std::set<uint64_t> Interesting(const SystemCalls::Rule& rule, unsigned index) {
  std::set<uint64_t> values = {0};
  if (rule.allowed_when.empty()) return values;
  values = {0, 1, UINT32_MAX, UINT64_MAX, uint64_t{1} << 32};
  for (const SystemCalls::Conditions& all_of : rule.allowed_when) {
    for (const ArgumentCondition& condition : all_of) {
      if (condition.index != index) continue;
      for (const uint64_t value : {condition.value, condition.value - 1, condition.value + 1,
                                   condition.value | uint64_t{1} << 32, ~condition.value,
                                   condition.value | ~condition.mask}) {
        values.insert(value);
      }
      for (int bit = 0; bit < 64; ++bit) values.insert(condition.value ^ (uint64_t{1} << bit));
    }
  }
  return values;
}

// Returns how many calls were tried.
size_t ExpectAnswersAsSaid(const SystemCalls& calls, FilterKind kind) {
  const std::vector<sock_filter> filter = Compiled(calls, kind);
  if (filter.empty()) return 0;
  size_t tried = 0;
  size_t wrong = 0;  // a wrong filter is wrong very often
  const auto try_call = [&](const seccomp_data& call) {
    ++tried;
    const std::optional<uint32_t> answer = RunFilter(filter, call);
    const uint32_t expected = Expected(calls, kind, call);
    if (answer != expected && ++wrong < 10) {
      ADD_FAILURE() << "call " << call.nr << std::hex << " (" << call.args[0] << ", "
                    << call.args[1] << ", " << call.args[2] << ", " << call.args[3] << ") gives "
                    << answer.value_or(0) << ", not " << expected;
    }
  };
  for (int number = -1; number < 700; ++number) {
    const auto found = calls.rules().find(number);
    const SystemCalls::Rule rule =
        found != calls.rules().end() ? found->second : SystemCalls::Rule();
    std::set<uint64_t> interesting[6];
    for (unsigned index = 0; index < 6; ++index) interesting[index] = Interesting(rule, index);
    // Nothing but zeros, and each way to be allowed; and with one argument changed.
    std::vector<seccomp_data> starts = {CallOf(number)};
    for (const SystemCalls::Conditions& all_of : rule.allowed_when) {
      starts.push_back(CallOf(number));
      for (const ArgumentCondition& one : all_of) starts.back().args[one.index] |= one.value;
    }
    for (const seccomp_data& start : starts) {
      for (unsigned index = 0; index < 6; ++index) {
        for (const uint64_t value : interesting[index]) {
          seccomp_data changed = start;
          changed.args[index] = value;
          try_call(changed);
        }
      }
    }
  }
  return tried;
}

TEST(CompileFilter, AnswersEachPolicysCallsAsItsLinesSay) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    for (const FilterKind kind : kKinds) {
      SCOPED_TRACE(std::string(policy.name) + " " + std::to_string(static_cast<int>(kind)));
      EXPECT_GT(ExpectAnswersAsSaid(policy.calls, kind), 10'000u);
    }
  }
}

uint32_t Answer(const SystemCalls& calls, FilterKind kind, const seccomp_data& call) {
  const std::optional<uint32_t> answer = RunFilter(Compiled(calls, kind), call);
  EXPECT_TRUE(answer.has_value());
  return answer.value_or(0);
}

TEST(CompileFilter, KeepsAnAnswerOfItsOwnForEachCallWithConditions) {
  SystemCalls calls;
  calls.AllowWhen(SYS_fcntl, {Argument(1).IsInt(1)}).Refuse(EINVAL, {SYS_fcntl});
  calls.AllowWhen(SYS_ioctl, {Argument(1).IsInt(1)}).Refuse(ENOTTY, {SYS_ioctl});
  calls.AllowWhen(SYS_prctl, {Argument(0).IsInt(1)});
  calls.AllowWhen(SYS_personality, {Argument(0).IsInt(-1)}).Kill({SYS_personality});
  calls.Ask({SYS_statx}).AllowWhen(SYS_statx, {Argument(2).HasAll(0x1000)});
  calls.AllowWhen(SYS_brk, {Argument(0).Is(0)}).Refuse(ENOSYS, {SYS_brk});
  const auto unmet = [&](long call) { return Answer(calls, FilterKind::kAlone, CallOf(call)); };
  EXPECT_EQ(unmet(SYS_fcntl), SECCOMP_RET_ERRNO | EINVAL);
  EXPECT_EQ(unmet(SYS_ioctl), SECCOMP_RET_ERRNO | ENOTTY);
  EXPECT_EQ(unmet(SYS_prctl), SECCOMP_RET_ERRNO | EPERM);
  EXPECT_EQ(unmet(SYS_personality), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(unmet(SYS_statx), SECCOMP_RET_ERRNO | EACCES);
  EXPECT_EQ(unmet(SYS_brk), SECCOMP_RET_ALLOW);
  EXPECT_EQ(unmet(SYS_read), SECCOMP_RET_ERRNO | ENOSYS);
  for (const FilterKind kind : kKinds) ExpectAnswersAsSaid(calls, kind);
}

TEST(CompileFilter, ComparesAllBitsOfAnArgument) {
  SystemCalls calls;
  calls.AllowWhen(SYS_clone, {Argument(0).Is(0x1'0000'0002)});
  calls.AllowWhen(SYS_brk, {Argument(0).IsAtMost(0x2'0000'0003)});
  calls.AllowWhen(SYS_mmap, {Argument(2).HasNone(6), Argument(2).HasAll(1), Argument(3).Is(4)});
  for (const FilterKind kind : kKinds) EXPECT_GT(ExpectAnswersAsSaid(calls, kind), 1000u);
}

TEST(CompileFilter, TakesTheSameLineTwice) {
  SystemCalls calls;
  calls.AllowWhen(SYS_fcntl, {Argument(1).IsInt(1)}).AllowWhen(SYS_fcntl, {Argument(1).IsInt(1)});
  for (const FilterKind kind : kKinds) ExpectAnswersAsSaid(calls, kind);
}

TEST(CompileFilter, EndsWhoCallsAsAnotherArchitecture) {
  for (const FilterKind kind : kKinds) {
    seccomp_data call = CallOf(SYS_exit_group);
    const SystemCalls calls = SystemCalls().Allow({SYS_exit_group});
    EXPECT_EQ(Answer(calls, kind, call), SECCOMP_RET_ALLOW);
    call.arch = AUDIT_ARCH_I386;
    EXPECT_EQ(Answer(calls, kind, call), SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
    call = CallOf(SYS_exit_group | 0x40000000);
    EXPECT_EQ(Answer(calls, kind, call), SECCOMP_RET_KILL_PROCESS);
#endif
  }
}

TEST(CompileFilter, NamesTheCallWhoseConditionsMakeNoSense) {
  const auto error = [](SystemCalls::Conditions conditions) {
    const SystemCalls calls = SystemCalls().AllowWhen(SYS_fcntl, std::move(conditions));
    return CompileFilter(calls, FilterKind::kAlone).status().ToString();
  };
  EXPECT_EQ(error({Argument(1).Is(1), Argument(1).Is(2)}),
            "INVALID_ARGUMENT: argument 1 of fcntl: conditions that exclude each other");
  EXPECT_EQ(error({Argument(2).HasOf(1, 2)}),
            "INVALID_ARGUMENT: argument 2 of fcntl: a bit outside the mask");
  EXPECT_EQ(error({Argument(2).IsAtMost(1), Argument(2).HasAll(1)}),
            "INVALID_ARGUMENT: argument 2 of fcntl: compared and masked");
  EXPECT_EQ(error({Argument(6).Is(1)}), "INVALID_ARGUMENT: seccomp_rule_add fcntl: EINVAL");
}

TEST(CompileFilter, SaysWhenAPolicyIsTooLong) {
  SystemCalls calls;
  for (uint64_t command = 0; command < 5000; ++command) {
    calls.AllowWhen(SYS_fcntl, {Argument(1).Is(command << 8)});
  }
  const absl::StatusOr<std::vector<sock_filter>> filter = CompileFilter(calls, FilterKind::kAlone);
  EXPECT_EQ(filter.status().code(), absl::StatusCode::kResourceExhausted) << filter.status();
}

TEST(CompileFilter, LeavesNoDescriptorOpen) {
  const size_t before = OpenDescriptors();
  Compiled(MakeSandboxPolicy(SandboxPolicyId::kContent).calls, FilterKind::kAlone);
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace forkserver
