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
  if (kind == FilterKind::kWithListener) return SECCOMP_RET_USER_NOTIF;
  const CallAnswer answer = calls.AnswerTo(call.nr);
  if (answer.kind == CallAnswer::Kind::kKill) return SECCOMP_RET_KILL_PROCESS;
  if (answer.kind == CallAnswer::Kind::kRefuse) {
    return SECCOMP_RET_ERRNO | static_cast<uint32_t>(answer.error);
  }
  return kind == FilterKind::kBelowListener ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EACCES;
}

// Arguments at the edges of what its conditions say.
std::set<uint64_t> Interesting(const SystemCalls::Rule& rule, unsigned index) {
  std::set<uint64_t> values = {0, 1, UINT32_MAX, UINT64_MAX, uint64_t{1} << 32};
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
    seccomp_data call = CallOf(number);
    // All pairs of the first three arguments are too many; conditions are on few.
    for (const uint64_t first : Interesting(rule, 0)) {
      call.args[0] = first;
      for (const uint64_t second :
           rule.allowed_when.empty() ? std::set<uint64_t>{0} : Interesting(rule, 1)) {
        call.args[1] = second;
        try_call(call);
      }
      for (unsigned index : {2u, 3u}) {
        for (const uint64_t value : Interesting(rule, index)) {
          seccomp_data with = call;
          with.args[index] = value;
          try_call(with);
        }
      }
    }
    // Each way to be allowed, from its middle: all arguments as it says, and one of them changed.
    for (const SystemCalls::Conditions& all_of : rule.allowed_when) {
      seccomp_data allowed = CallOf(number);
      for (const ArgumentCondition& one : all_of) allowed.args[one.index] |= one.value;
      try_call(allowed);
      for (unsigned index = 0; index < 6; ++index) {
        for (const uint64_t value : Interesting(rule, index)) {
          seccomp_data changed = allowed;
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

}  // namespace
}  // namespace forkserver
