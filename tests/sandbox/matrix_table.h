// The matrix of docs/sandbox.md: what comes of each attempt under each policy, as a table that is
// read by people and by the test alike.
//
//     ### files
//
//     | attempt | all | content | utility | notes | what |
//     |---|---|---|---|---|---|
//     | `read-etc-passwd` | EACCES | · | · |  | Reads /etc/passwd. |
//     | `open-dev-null` | done | · | · | 1 | Opens /dev/null: harmless. |
//
//     1. It leads nowhere.
//
// A section for each subject. The word of a cell is `done`, `elsewhere`, `killed`, `unavailable`
// (outcomes, attempts.h), or the errno of the call that was refused; `·` is the word of the column
// "all", which is what most policies answer. A row with `done` or `elsewhere` in it names the notes
// below its table that say why that is right.
//
// Reading is strict: a column that is missing, an empty cell, a word that is none, a note that is
// not there or that nobody names are errors, which name the line. Text that is no table, and
// sections before the first `### `, are passed over.
//
// Pure: text in, text out.
#ifndef TESTS_SANDBOX_MATRIX_TABLE_H_
#define TESTS_SANDBOX_MATRIX_TABLE_H_

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace forkserver::testing {

struct MatrixRow {
  std::string attempt;
  std::vector<std::string> words;  // a column each
  std::set<int> notes = {};
  std::string what = {};  // what is attempted
};

struct MatrixSection {
  std::string name;
  std::vector<MatrixRow> rows = {};
  std::map<int, std::string> notes = {};

  // Null: there is none.
  const MatrixRow* Find(std::string_view attempt) const;
};

struct MatrixTable {
  std::vector<MatrixSection> sections = {};

  const MatrixSection* Find(std::string_view name) const;
};

bool IsMatrixWord(std::string_view word);

// `columns`: what the header has to name, in this order.
absl::StatusOr<MatrixTable> ReadMatrix(std::string_view markdown,
                                       std::span<const std::string> columns);

std::string PrintMatrix(const MatrixTable& table, std::span<const std::string> columns);

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_MATRIX_TABLE_H_
