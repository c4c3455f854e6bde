// Measures the matrix of docs/sandbox.md and prints it, to be looked at cell by cell:
//
//     bazel run //tests/sandbox:matrix -- --print             as the document has it
//     bazel run //tests/sandbox:matrix -- --say gpu           each result of a column in words
//
// Notes are those that the document has. matrix_test holds the document against what is measured.
#include <stdio.h>
#include <string.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "forkserver/host/fork_server.h"
#include "tests/sandbox/matrix_table.h"
#include "tests/sandbox/measured_matrix.h"

namespace forkserver::testing {
namespace {

int Fail(std::string_view what, const absl::Status& status) {
  fprintf(stderr, "matrix: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
          status.ToString().c_str());
  return 1;
}

void Say(const MatrixColumn& column, const Attempt& attempt, const MeasuredAttempt& measured) {
  printf("%s: %s: %s\n", column.name.c_str(), std::string(attempt.name).c_str(),
         ToString(measured.result).c_str());
  for (const RefusedCall& record : measured.refused) printf("    %s\n", ToString(record).c_str());
}

MatrixTable ReadDocument() {
  std::ifstream file("docs/sandbox.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::vector<std::string> columns = MatrixColumnNames();
  absl::StatusOr<MatrixTable> table = ReadMatrix(text, columns);
  if (table.ok()) return *std::move(table);
  Fail("docs/sandbox.md: without its notes", table.status());
  return {};
}

// What has been measured of each column, in their order, gets the notes of the document.
MatrixTable EmptyTable() {
  const MatrixTable document = ReadDocument();
  MatrixTable table;
  for (const MatrixSubject& subject : MatrixSubjects()) {
    MatrixSection section = {.name = subject.name};
    const MatrixSection* const old_section = document.Find(subject.name);
    if (old_section != nullptr) section.notes = old_section->notes;
    for (const Attempt* const attempt : subject.attempts) {
      MatrixRow row = {
          .attempt = std::string(attempt->name), .words = {}, .what = std::string(attempt->what)};
      const MatrixRow* const old_row =
          old_section != nullptr ? old_section->Find(attempt->name) : nullptr;
      if (old_row != nullptr) row.notes = old_row->notes;
      section.rows.push_back(std::move(row));
    }
    table.sections.push_back(std::move(section));
  }
  return table;
}

int MeasureAll(ForkServer& server, std::string_view said) {
  MatrixTable table = EmptyTable();
  for (const MatrixColumn& column : MatrixColumns()) {
    if (!said.empty() && column.name != said) continue;
    absl::StatusOr<std::unique_ptr<MeasuredMatrix>> matrix = MeasuredMatrix::Start(server, column);
    if (!matrix.ok()) return Fail(column.name, matrix.status());
    for (size_t s = 0; s < table.sections.size(); ++s) {
      const MatrixSubject& subject = MatrixSubjects()[s];
      for (size_t a = 0; a < subject.attempts.size(); ++a) {
        const Attempt& attempt = *subject.attempts[a];
        const absl::StatusOr<MeasuredAttempt> measured = (*matrix)->Measure(subject, attempt);
        if (!measured.ok()) return Fail(attempt.name, measured.status());
        if (!said.empty()) Say(column, attempt, *measured);
        table.sections[s].rows[a].words.push_back(WordOf(measured->result));
      }
    }
  }
  if (said.empty()) printf("%s", PrintMatrix(table, MatrixColumnNames()).c_str());
  return 0;
}

}  // namespace
}  // namespace forkserver::testing

int main(int argc, char** argv) {
  using namespace forkserver;
  if (const absl::Status set = testing::SetMatrixLimits(); !set.ok()) {
    return testing::Fail("limits", set);
  }
  StartOptions options = {.programs = testing::MatrixPrograms(),
                          .under_memory_pressure = UnderPressure::kKeepPools};
  for (const testing::MatrixColumn& column : testing::MatrixColumns()) {
    options.templates.push_back(testing::MatrixTemplate(column));
  }
  absl::StatusOr<std::unique_ptr<ForkServer>> server =
      ForkServer::Start(argc, argv, std::move(options));
  if (!server.ok()) return testing::Fail("start", server.status());
  if (argc == 2 && strcmp(argv[1], "--print") == 0) return testing::MeasureAll(**server, "");
  if (argc == 3 && strcmp(argv[1], "--say") == 0) return testing::MeasureAll(**server, argv[2]);
  fprintf(stderr, "usage: matrix --print | matrix --say COLUMN\n");
  return 1;
}
