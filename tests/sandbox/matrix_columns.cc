#include "tests/sandbox/matrix_columns.h"

namespace forkserver::testing {
namespace {

ProcessType TypeFor(SandboxPolicyId policy) {
  for (const ProcessTypeRow& row : ProcessTypes()) {
    if (row.sandbox == policy) return row.type;
  }
  return policy == SandboxPolicyId::kComputeOnly ? ProcessType::kUtility : ProcessType::kContent;
}

std::vector<MatrixColumn> MakeColumns() {
  std::vector<MatrixColumn> columns;
  for (const SandboxPolicyId policy : SandboxPolicies()) {
    columns.push_back({.name = std::string(SandboxPolicyName(policy)),
                       .policy = policy,
                       .level = kFullSandbox,
                       .type = TypeFor(policy)});
  }
  columns.push_back({.name = "content, level 1",
                     .policy = SandboxPolicyId::kContent,
                     .level = kSandboxWithoutNamespaces,
                     .type = ProcessType::kContent});
  return columns;
}

}  // namespace

std::span<const MatrixColumn> MatrixColumns() {
  static const std::vector<MatrixColumn>& columns = *new std::vector<MatrixColumn>(MakeColumns());
  return columns;
}

const MatrixColumn* FindMatrixColumn(std::string_view name) {
  for (const MatrixColumn& column : MatrixColumns()) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

}  // namespace forkserver::testing
