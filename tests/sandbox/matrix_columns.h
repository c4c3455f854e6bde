// The columns of the matrix in docs/sandbox.md: each policy at its full level, and content without
// namespaces.
//
//     for (const MatrixColumn& column : MatrixColumns()) ...column.name...   // "content, level 1"
//
// Plain data, usable anywhere.
#ifndef TESTS_SANDBOX_MATRIX_COLUMNS_H_
#define TESTS_SANDBOX_MATRIX_COLUMNS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "child/process_types.h"
#include "child/sandbox/sandbox_policy.h"

namespace forkserver::testing {

struct MatrixColumn {
  std::string name;  // in the header of the table; and the template's
  SandboxPolicyId policy = SandboxPolicyId::kNone;
  int level = kFullSandbox;
  // Of the children that make the attempts: the policy's own, if it has one.
  ProcessType type = ProcessType::kParent;
};

std::span<const MatrixColumn> MatrixColumns();

// Null: there is none.
const MatrixColumn* FindMatrixColumn(std::string_view name);

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_MATRIX_COLUMNS_H_
