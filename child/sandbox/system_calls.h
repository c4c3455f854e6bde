// Which system calls a policy lets through, and what becomes of the others.
//
//     SystemCalls calls;
//     calls.Allow({SYS_read, SYS_write})
//         .AllowWhen(SYS_fcntl, {Argument(1).IsInt(F_GETFL)})  // each line: one way to be allowed
//         .Ask({SYS_openat})                                   // the broker answers
//         .Refuse(EPERM, {SYS_setpriority})                    // harmless: libraries try it
//         .RefuseUntold(ENOMEM, {SYS_mremap})                  // the same, all the time
//         .Kill({SYS_ptrace});                                 // nobody does that by mistake
//
// What is not named is refused with ENOSYS, as by a kernel that does not know it: that is what
// libraries are prepared for. A call that is allowed under conditions and meets none of them is
// answered as the last Refuse, Kill or Ask before it or Refuse or Kill after it says, else with
// EPERM. A later Allow or Ask takes the place of whatever was said of the call before; a later
// AllowWhen adds to the conditions before it.
//
// Plain data, made before the fork; compile_filter.h makes it a filter, and the host's broker asks
// it how to answer what the filter did not let through.
#ifndef CHILD_SANDBOX_SYSTEM_CALLS_H_
#define CHILD_SANDBOX_SYSTEM_CALLS_H_

#include <stdint.h>

#include <initializer_list>
#include <map>
#include <optional>
#include <vector>

namespace forkserver {

// A condition on one argument of a call: an unsigned number of 64 bits, of which a filter sees the
// bits and not what they point at (seccomp(2)).
struct ArgumentCondition {
  enum class Test : uint8_t { kIs, kIsAtMost, kMasked };

  unsigned index = 0;
  Test test = Test::kIs;
  uint64_t value = 0;
  uint64_t mask = UINT64_MAX;  // kMasked: (argument & mask) == value
};

class Argument {
 public:
  explicit constexpr Argument(unsigned index) : index_(index) {}

  // The low 32 bits only, for arguments that the kernel takes as an int: what is above them may be
  // anything.
  constexpr ArgumentCondition IsInt(int value) const {
    return {index_, ArgumentCondition::Test::kMasked, static_cast<uint32_t>(value), UINT32_MAX};
  }
  constexpr ArgumentCondition Is(uint64_t value) const {
    return {index_, ArgumentCondition::Test::kIs, value, UINT64_MAX};
  }
  constexpr ArgumentCondition IsAtMost(uint64_t value) const {
    return {index_, ArgumentCondition::Test::kIsAtMost, value, UINT64_MAX};
  }
  // None of these bits.
  constexpr ArgumentCondition HasNone(uint64_t bits) const {
    return {index_, ArgumentCondition::Test::kMasked, 0, bits};
  }
  // All of these bits.
  constexpr ArgumentCondition HasAll(uint64_t bits) const {
    return {index_, ArgumentCondition::Test::kMasked, bits, bits};
  }
  // Of the bits of `mask`, exactly those.
  constexpr ArgumentCondition HasOf(uint64_t mask, uint64_t bits) const {
    return {index_, ArgumentCondition::Test::kMasked, bits, mask};
  }

 private:
  unsigned index_;
};

// Whether the host hears of a call that was refused. To be told costs the caller two changes of
// thread, and a line in a report that is read for attacks.
enum class HostIsTold : uint8_t { kYes, kNo };

// How a call that the filter did not let through is answered.
struct CallAnswer {
  enum class Kind : uint8_t {
    kRefuse,  // with `error`
    kAsk,     // by the broker
    kKill,
  };

  Kind kind = Kind::kRefuse;
  int error = 0;
  HostIsTold told = HostIsTold::kYes;  // kNo, of kRefuse: the filter answers, whatever its kind

  bool operator==(const CallAnswer&) const = default;
};

class SystemCalls {
 public:
  using Conditions = std::vector<ArgumentCondition>;

  struct Rule {
    bool is_allowed = false;                    // whatever its arguments
    std::vector<Conditions> allowed_when = {};  // all conditions of any one of these
    std::optional<CallAnswer> otherwise = {};   // nothing was said: EPERM
  };

  SystemCalls& Allow(std::initializer_list<long> calls);
  SystemCalls& AllowWhen(long call, Conditions all_of);
  SystemCalls& Ask(std::initializer_list<long> calls);
  SystemCalls& Refuse(int error, std::initializer_list<long> calls);
  SystemCalls& RefuseUntold(int error, std::initializer_list<long> calls);
  SystemCalls& Kill(std::initializer_list<long> calls);
  // What the other says of a call takes the place of what was said here. But conditions are added
  // to those that are here, and where the other does not say what becomes of a call that meets
  // none, what was said here holds.
  SystemCalls& Add(const SystemCalls& other);

  // By number.
  const std::map<long, Rule>& rules() const { return rules_; }

  // For one that was not let through.
  CallAnswer AnswerTo(long call) const;

 private:
  std::map<long, Rule> rules_;
};

}  // namespace forkserver

#endif  // CHILD_SANDBOX_SYSTEM_CALLS_H_
