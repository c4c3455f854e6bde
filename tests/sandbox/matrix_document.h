// docs/sandbox.md, as what is measured is held against it.
//
//     const MatrixDocument document;
//     document.ExpectAll(column, *matrix, matrix->host());
//
//     absl::StatusOr<MeasuredAttempt> measured = matrix->Measure(subject, attempt);
//     document.Expect(column, subject, attempt, *measured, matrix->host());
//
// An outcome has to be the word of its cell. What this machine has not got, and without a sandbox
// neither, is passed over with a line on stdout. A child that was ended for its attempt, or refused
// a call by the filter, has to be in the host's records: by its pid, its type, and the call's name.
//
// For tests that have the document among their data: what is not so fails the test. Immutable.
#ifndef TESTS_SANDBOX_MATRIX_DOCUMENT_H_
#define TESTS_SANDBOX_MATRIX_DOCUMENT_H_

#include <gtest/gtest.h>

#include <string>

#include "absl/status/statusor.h"
#include "child/sandbox/sandbox_report.h"
#include "tests/sandbox/host_targets.h"
#include "tests/sandbox/matrix_columns.h"
#include "tests/sandbox/matrix_table.h"
#include "tests/sandbox/measured_matrix.h"

namespace forkserver::testing {

// Why the document says nothing of this machine: the first layer that a sandbox lacks here, and why
// it does; empty: it has them all.
std::string MissingLayer(const SandboxReport& report);

class MatrixDocument {
 public:
  MatrixDocument();

  const MatrixTable& table() const { return table_; }

  // `column`: one of the document's, by its name; its type is that of the child.
  void Expect(const MatrixColumn& column, const MatrixSubject& subject, const Attempt& attempt,
              const MeasuredAttempt& measured, const HostTargets& host) const;

  // The same of every attempt of every subject, by `matrix.Measure`. One that cannot be measured
  // fails the test too, and the next is made.
  template <typename Matrix>
  void ExpectAll(const MatrixColumn& column, Matrix& matrix, const HostTargets& host) const {
    for (const MatrixSubject& subject : MatrixSubjects()) {
      for (const Attempt* const attempt : subject.attempts) {
        const absl::StatusOr<MeasuredAttempt> measured = matrix.Measure(subject, *attempt);
        if (measured.ok()) {
          Expect(column, subject, *attempt, *measured, host);
        } else {
          ADD_FAILURE() << subject.name << ": " << attempt->name << ": " << measured.status();
        }
      }
    }
  }

 private:
  MatrixTable table_;
};

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_MATRIX_DOCUMENT_H_
