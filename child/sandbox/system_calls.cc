#include "child/sandbox/system_calls.h"

#include <errno.h>

#include <utility>

namespace forkserver {
namespace {

constexpr CallAnswer kUnknown = {.kind = CallAnswer::Kind::kRefuse, .error = ENOSYS};
constexpr CallAnswer kUnmetConditions = {.kind = CallAnswer::Kind::kRefuse, .error = EPERM};

}  // namespace

SystemCalls& SystemCalls::Allow(std::initializer_list<long> calls) {
  for (const long call : calls) rules_[call] = {.is_allowed = true};
  return *this;
}

SystemCalls& SystemCalls::AllowWhen(long call, Conditions all_of) {
  Rule& rule = rules_[call];
  rule.is_allowed = false;
  rule.allowed_when.push_back(std::move(all_of));
  return *this;
}

SystemCalls& SystemCalls::Ask(std::initializer_list<long> calls) {
  for (const long call : calls) {
    rules_[call] = {.otherwise = CallAnswer{.kind = CallAnswer::Kind::kAsk}};
  }
  return *this;
}

SystemCalls& SystemCalls::Refuse(int error, std::initializer_list<long> calls) {
  for (const long call : calls) {
    Rule& rule = rules_[call];
    rule.is_allowed = false;
    rule.otherwise = CallAnswer{.kind = CallAnswer::Kind::kRefuse, .error = error};
  }
  return *this;
}

SystemCalls& SystemCalls::RefuseUntold(int error, std::initializer_list<long> calls) {
  Refuse(error, calls);
  for (const long call : calls) rules_[call].otherwise->told = HostIsTold::kNo;
  return *this;
}

SystemCalls& SystemCalls::Kill(std::initializer_list<long> calls) {
  for (const long call : calls) {
    Rule& rule = rules_[call];
    rule.is_allowed = false;
    rule.otherwise = CallAnswer{.kind = CallAnswer::Kind::kKill, .error = EPERM};
  }
  return *this;
}

SystemCalls& SystemCalls::Add(const SystemCalls& other) {
  for (const auto& [call, rule] : other.rules_) {
    if (rule.allowed_when.empty()) {
      rules_[call] = rule;
      continue;
    }
    Rule& mine = rules_[call];
    mine.is_allowed = false;
    if (rule.otherwise) mine.otherwise = rule.otherwise;
    mine.allowed_when.insert(mine.allowed_when.end(), rule.allowed_when.begin(),
                             rule.allowed_when.end());
  }
  return *this;
}

CallAnswer SystemCalls::AnswerTo(long call) const {
  const auto found = rules_.find(call);
  if (found == rules_.end()) return kUnknown;
  return found->second.is_allowed ? kUnknown : found->second.otherwise.value_or(kUnmetConditions);
}

}  // namespace forkserver
