#include "child/sandbox/compile_filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

using Program = std::vector<sock_filter>;

// libseccomp refuses some actions as defaults and asks the kernel for others. So it is given
// numbers, as SCMP_ACT_TRACE, which it never looks at, and what they stand for is put in their
// place afterwards.
constexpr uint32_t kFirstNumbered = SECCOMP_RET_TRACE;
constexpr uint32_t kDefault = 0;

std::string CallName(long call) {
  const std::unique_ptr<char, void (*)(void*)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(call)), free);
  return name != nullptr ? name.get() : absl::StrFormat("call %d", call);
}

// What the kernel does with a call that the policy does not let through.
uint32_t ReturnFor(const CallAnswer& answer, FilterKind kind) {
  if (kind == FilterKind::kWithListener && answer.told == HostIsTold::kYes) {
    return SECCOMP_RET_USER_NOTIF;
  }
  switch (answer.kind) {
    case CallAnswer::Kind::kRefuse:
      return SECCOMP_RET_ERRNO | (static_cast<uint32_t>(answer.error) & SECCOMP_RET_DATA);
    case CallAnswer::Kind::kAsk:
      return kind == FilterKind::kBelowListener ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EACCES;
    case CallAnswer::Kind::kKill:
      break;
  }
  return SECCOMP_RET_KILL_PROCESS;
}

// The conditions with one line for each argument: libseccomp takes no more.
absl::StatusOr<std::vector<scmp_arg_cmp>> Comparisons(long call,
                                                      const SystemCalls::Conditions& conditions) {
  const auto invalid = [&](unsigned index, const char* why) {
    return absl::InvalidArgumentError(
        absl::StrFormat("argument %d of %s: %s", index, CallName(call), why));
  };
  std::vector<scmp_arg_cmp> comparisons;
  for (const ArgumentCondition& condition : conditions) {
    const auto same = std::find_if(comparisons.begin(), comparisons.end(),
                                   [&](const auto& cmp) { return cmp.arg == condition.index; });
    if (condition.test == ArgumentCondition::Test::kIsAtMost) {
      if (same != comparisons.end()) return invalid(condition.index, "compared and masked");
      comparisons.push_back({condition.index, SCMP_CMP_LE, condition.value, 0});
      continue;
    }
    const bool is_exact = condition.test == ArgumentCondition::Test::kIs;
    const uint64_t mask = is_exact ? UINT64_MAX : condition.mask;
    if ((condition.value & ~mask) != 0) return invalid(condition.index, "a bit outside the mask");
    if (same == comparisons.end()) {
      comparisons.push_back({condition.index, SCMP_CMP_MASKED_EQ, mask, condition.value});
      continue;
    }
    if (same->op != SCMP_CMP_MASKED_EQ) return invalid(condition.index, "compared and masked");
    if (((same->datum_b ^ condition.value) & same->datum_a & mask) != 0) {
      return invalid(condition.index, "conditions that exclude each other");
    }
    same->datum_a |= mask;
    same->datum_b |= condition.value;
  }
  for (scmp_arg_cmp& cmp : comparisons) {
    if (cmp.op == SCMP_CMP_MASKED_EQ && cmp.datum_a == UINT64_MAX) {
      cmp = {cmp.arg, SCMP_CMP_EQ, cmp.datum_b, 0};
    }
  }
  return comparisons;
}

// One of libseccomp's filters. Whatever no rule is for is answered with number kDefault.
class Tree {
 public:
  static absl::StatusOr<Tree> Create() {
    Tree tree;
    if (tree.context_ == nullptr) return ErrnoStatus(ENOMEM, "seccomp_init");
    int result =
        seccomp_attr_set(tree.context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result != 0) return ErrnoStatus(-result, "seccomp_attr_set ACT_BADARCH");
    result = seccomp_attr_set(tree.context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (result != 0) return ErrnoStatus(-result, "seccomp_attr_set CTL_OPTIMIZE");
    return tree;
  }

  absl::Status Add(uint32_t action, long call, const std::vector<scmp_arg_cmp>& comparisons = {}) {
    // EACCES would be its answer to a rule that says what holds anyway.
    if (action == (kFirstNumbered | kDefault)) return absl::OkStatus();
    const int result =
        seccomp_rule_add_array(context_.get(), action, static_cast<int>(call),
                               static_cast<unsigned>(comparisons.size()), comparisons.data());
    // Two phrases may say the same.
    if (result == 0 || result == -EEXIST) return absl::OkStatus();
    return ErrnoStatus(-result, "seccomp_rule_add " + CallName(call));
  }

  absl::StatusOr<Program> Export() const {
    const UniqueFd fd(memfd_create("seccomp-filter", MFD_CLOEXEC));
    if (!fd.is_open()) return ErrnoStatus(errno, "memfd_create seccomp-filter");
    const int result = seccomp_export_bpf(context_.get(), fd.get());
    if (result != 0) return ErrnoStatus(-result, "seccomp_export_bpf");
    const off_t size = lseek(fd.get(), 0, SEEK_END);
    if (size < 0) return ErrnoStatus(errno, "lseek seccomp-filter");
    Program program(static_cast<size_t>(size) / sizeof(sock_filter));
    for (off_t at = 0; at < size;) {
      const ssize_t bytes = pread(fd.get(), reinterpret_cast<char*>(program.data()) + at,
                                  static_cast<size_t>(size - at), at);
      if (bytes < 0 && errno == EINTR) continue;
      if (bytes <= 0) return ErrnoStatus(bytes < 0 ? errno : EIO, "pread seccomp-filter");
      at += bytes;
    }
    return program;
  }

 private:
  Tree() : context_(seccomp_init(kFirstNumbered | kDefault), seccomp_release) {}

  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
};

absl::Status AddConditions(Tree& tree, long call, const SystemCalls::Rule& rule) {
  for (const SystemCalls::Conditions& all_of : rule.allowed_when) {
    const absl::StatusOr<std::vector<scmp_arg_cmp>> comparisons = Comparisons(call, all_of);
    if (!comparisons.ok()) return comparisons.status();
    const absl::Status added = tree.Add(SCMP_ACT_ALLOW, call, *comparisons);
    if (!added.ok()) return added;
  }
  return absl::OkStatus();
}

// The number that a return stands for.
std::optional<uint32_t> NumberOf(const sock_filter& instruction) {
  if (instruction.code != (BPF_RET | BPF_K)) return std::nullopt;
  if ((instruction.k & SECCOMP_RET_ACTION_FULL) != kFirstNumbered) return std::nullopt;
  return instruction.k & SECCOMP_RET_DATA;
}

// The tree that is asked first, and one for each answer to conditions that are not met. In the
// first one number 2 n stands for answer n, and 2 n + 1 for the way to the tree whose answer that
// is.
class Linker {
 public:
  explicit Linker(FilterKind kind) : kind_(kind) {}

  absl::StatusOr<Program> Link(const SystemCalls& calls) {
    // What is answered to unknown calls is number kDefault.
    returns_.push_back(ReturnFor({.kind = CallAnswer::Kind::kRefuse, .error = ENOSYS}, kind_));
    absl::StatusOr<Tree> first = Tree::Create();
    if (!first.ok()) return first.status();
    for (const auto& [call, rule] : calls.rules()) {
      const absl::Status added = AddRule(*first, call, rule, calls.AnswerTo(call));
      if (!added.ok()) return added;
    }

    absl::StatusOr<Program> linked = first->Export();
    if (!linked.ok()) return linked;
    std::map<uint32_t, size_t> start_of;  // by the answer of the tree
    for (const auto& [answer, tree] : when_unmet_) {
      absl::StatusOr<Program> part = tree.Export();
      if (!part.ok()) return part;
      for (sock_filter& instruction : *part) {
        if (NumberOf(instruction) == kDefault) instruction.k = answer;
      }
      start_of[answer] = linked->size();
      linked->insert(linked->end(), part->begin(), part->end());
    }
    for (size_t i = 0; i < linked->size(); ++i) {
      sock_filter& instruction = (*linked)[i];
      const std::optional<uint32_t> number = NumberOf(instruction);
      if (!number) continue;
      const uint32_t answer = returns_[*number / 2];
      if (*number % 2 == 0) {
        instruction.k = answer;
      } else {
        const size_t distance = start_of.at(answer) - i - 1;
        instruction = BPF_STMT(BPF_JMP | BPF_JA, static_cast<uint32_t>(distance));
      }
    }
    if (linked->size() > BPF_MAXINSNS) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("seccomp filter: %d instructions", linked->size()));
    }
    return linked;
  }

 private:
  absl::Status AddRule(Tree& first, long call, const SystemCalls::Rule& rule,
                       const CallAnswer& answer) {
    const uint32_t otherwise = ReturnFor(answer, kind_);
    if (rule.is_allowed || otherwise == SECCOMP_RET_ALLOW) return first.Add(SCMP_ACT_ALLOW, call);
    if (rule.allowed_when.empty()) {
      return first.Add(kFirstNumbered | 2 * IndexOf(otherwise), call);
    }
    // libseccomp answers what meets no condition as it answers unknown calls.
    if (otherwise == returns_[kDefault]) return AddConditions(first, call, rule);
    auto found = when_unmet_.find(otherwise);
    if (found == when_unmet_.end()) {
      absl::StatusOr<Tree> tree = Tree::Create();
      if (!tree.ok()) return tree.status();
      found = when_unmet_.emplace(otherwise, *std::move(tree)).first;
    }
    const absl::Status added = AddConditions(found->second, call, rule);
    if (!added.ok()) return added;
    return first.Add(kFirstNumbered | (2 * IndexOf(otherwise) + 1), call);
  }

  uint32_t IndexOf(uint32_t answer) {
    const auto found = std::find(returns_.begin(), returns_.end(), answer);
    const auto index = static_cast<uint32_t>(std::distance(returns_.begin(), found));
    if (found == returns_.end()) returns_.push_back(answer);
    return index;
  }

  const FilterKind kind_;
  std::vector<uint32_t> returns_;
  std::map<uint32_t, Tree> when_unmet_;
};

}  // namespace

absl::StatusOr<std::vector<sock_filter>> CompileFilter(const SystemCalls& calls, FilterKind kind) {
  // What it would find out by trial system calls, which a process with a filter may not be allowed.
  const int result = seccomp_api_set(3);
  if (result != 0) return ErrnoStatus(-result, "seccomp_api_set");
  return Linker(kind).Link(calls);
}

}  // namespace forkserver
