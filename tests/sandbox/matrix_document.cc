#include "tests/sandbox/matrix_document.h"

#include <gtest/gtest.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "child/sandbox/sandbox_policy.h"
#include "tests/sandbox/run_unsandboxed.h"

namespace forkserver::testing {
namespace {

// What a machine has not got is no refusal, unless it is there without a sandbox.
bool IsOnThisMachine(const HostTargets& host, const Attempt& attempt) {
  const absl::StatusOr<AttemptResult> result = RunUnsandboxed(attempt.name, host, Bounds::kNone);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() && result->outcome != Outcome::kUnavailable;
}

bool IsRecorded(const MeasuredAttempt& measured, CallOutcome outcome, std::string_view call) {
  for (const RefusedCall& record : measured.refused) {
    if (record.outcome == outcome && !record.call.empty() &&
        (call.empty() || (record.call == call && record.error == measured.result.error))) {
      return true;
    }
  }
  return false;
}

// Where the filter says no whatever the arguments are. What each child's own small filter takes
// away (own_layers.h) the kernel answers by itself.
bool FilterRefuses(const SandboxPolicy& policy, const std::string& call) {
  const int number = seccomp_syscall_resolve_name(call.c_str());
  if (number < 0 || call == "clone3" || call == "seccomp" || call == "mremap") return false;
  const auto rule = policy.calls.rules().find(number);
  if (rule == policy.calls.rules().end()) return true;
  const bool is_asked =
      policy.calls.AnswerTo(number).kind == CallAnswer::Kind::kAsk;  // by the broker's own rules
  if (policy.calls.AnswerTo(number).told == HostIsTold::kNo) return false;
  return !is_asked && !rule->second.is_allowed && rule->second.allowed_when.empty();
}

// A child that the sandbox ended, or refused a call, must be in the host's records: by its pid, its
// type and the name of the call.
void ExpectRecord(const MatrixColumn& column, const Attempt& attempt,
                  const MeasuredAttempt& measured) {
  const AttemptResult& result = measured.result;
  for (const RefusedCall& record : measured.refused) {
    EXPECT_EQ(record.type, column.type) << attempt.name << ": " << ToString(record);
  }
  // Another architecture's call is ended by the kernel (SIGSYS), and asked of nobody.
  if (result.outcome == Outcome::kKilled && result.error == SIGKILL) {
    EXPECT_TRUE(IsRecorded(measured, CallOutcome::kKilled, "")) << attempt.name;
  }
  const std::string step(result.step);
  const std::string call = step.substr(0, step.find(' '));
  if (result.outcome == Outcome::kRefused &&
      FilterRefuses(MakeSandboxPolicy(column.policy), call)) {
    EXPECT_TRUE(IsRecorded(measured, CallOutcome::kRefused, call))
        << attempt.name << ": " << ToString(result) << ", but there is no record of it";
  }
}

}  // namespace

std::string MissingLayer(const SandboxReport& report) {
  const SandboxLayer missing = FirstMissing(report, kAllSandboxLayers);
  if (missing == SandboxLayer::kCount) return "";
  return absl::StrCat("this machine has no ", std::string(SandboxLayerName(missing)), ": ",
                      LayerStateText(report[missing]));
}

MatrixDocument::MatrixDocument() {
  std::ifstream file("docs/sandbox.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  absl::StatusOr<MatrixTable> table = ReadMatrix(text, MatrixColumnNames());
  EXPECT_TRUE(table.ok()) << "docs/sandbox.md: " << table.status();
  if (table.ok()) table_ = *std::move(table);
}

void MatrixDocument::Expect(const MatrixColumn& column, const MatrixSubject& subject,
                            const Attempt& attempt, const MeasuredAttempt& measured,
                            const HostTargets& host) const {
  size_t index = 0;
  while (MatrixColumns()[index].name != column.name) ++index;
  const MatrixSection* const section = table_.Find(subject.name);
  ASSERT_NE(section, nullptr) << subject.name;
  const MatrixRow* const row = section->Find(attempt.name);
  ASSERT_NE(row, nullptr) << attempt.name;
  const std::string& expected = row->words[index];
  if (measured.result.outcome == Outcome::kUnavailable && expected != "unavailable" &&
      !IsOnThisMachine(host, attempt)) {
    printf("%s: not on this machine\n", std::string(attempt.name).c_str());
    return;
  }
  EXPECT_EQ(WordOf(measured.result), expected)
      << subject.name << ": " << attempt.name << ": " << ToString(measured.result);
  ExpectRecord(column, attempt, measured);
}

}  // namespace forkserver::testing
