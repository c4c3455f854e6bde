// What the reader of the matrix takes, and what it does not.
#include "tests/sandbox/matrix_table.h"

#include <gtest/gtest.h>

namespace forkserver::testing {
namespace {

const std::vector<std::string> kColumns = {"content", "gpu, level 1"};

constexpr char kGood[] = R"(# A title

Some prose.

| a table | of another kind |
|---|---|

## The matrix

### files

| attempt | all | content | gpu, level 1 | notes | what |
|---|---|---|---|---|---|
| `read` | EACCES | · | · |  | Reads. |
| `look` | done | · | killed | 1, 2 | Looks. |

1. It is harmless,
   and wanted.
2. Nobody is hurt.

## Afterwards

| a table | of another kind |
)";

std::string Replace(std::string text, std::string_view what, std::string_view with) {
  const size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), with);
}

std::string Complaint(const std::string& text) {
  return std::string(ReadMatrix(text, kColumns).status().message());
}

TEST(MatrixTable, HasAWordForEachColumn) {
  const absl::StatusOr<MatrixTable> table = ReadMatrix(kGood, kColumns);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->sections.size(), 1u);
  const MatrixSection* const files = table->Find("files");
  ASSERT_NE(files, nullptr);
  ASSERT_EQ(files->rows.size(), 2u);
  EXPECT_EQ(files->Find("read")->words, (std::vector<std::string>{"EACCES", "EACCES"}));
  EXPECT_EQ(files->Find("look")->words, (std::vector<std::string>{"done", "killed"}));
  EXPECT_EQ(files->Find("look")->what, "Looks.");
  EXPECT_EQ(files->notes.at(1), "It is harmless,\n   and wanted.");
  EXPECT_EQ(files->Find("listen"), nullptr);
}

TEST(MatrixTable, IsReadAsItWasPrinted) {
  const absl::StatusOr<MatrixTable> table = ReadMatrix(kGood, kColumns);
  ASSERT_TRUE(table.ok()) << table.status();
  const std::string printed = PrintMatrix(*table, kColumns);
  const absl::StatusOr<MatrixTable> again = ReadMatrix(printed, kColumns);
  ASSERT_TRUE(again.ok()) << again.status() << "\n" << printed;
  EXPECT_EQ(PrintMatrix(*again, kColumns), printed);
  EXPECT_EQ(again->Find("files")->Find("look")->words, table->Find("files")->Find("look")->words);
}

TEST(MatrixTable, MissesNoColumn) {
  EXPECT_EQ(Complaint(Replace(kGood, " gpu, level 1 |", "")),
            "line 12: the header is not: attempt | all | content | gpu, level 1 | notes | what");
  EXPECT_EQ(Complaint(Replace(kGood, "| EACCES | · |", "| EACCES |")), "line 14: 5 cells, not 6");
}

TEST(MatrixTable, HasNoCellWithoutAWord) {
  EXPECT_EQ(Complaint(Replace(kGood, "EACCES", "")), "line 14: '' is no word");
  EXPECT_EQ(Complaint(Replace(kGood, "EACCES", "·")), "line 14: '·' is no word");
  EXPECT_EQ(Complaint(Replace(kGood, "killed", "")), "line 15: gpu, level 1: '' is no word");
  EXPECT_EQ(Complaint(Replace(kGood, "killed", "EMUCH")),
            "line 15: gpu, level 1: 'EMUCH' is no word");
}

TEST(MatrixTable, SaysWhyEachDoneIsRight) {
  EXPECT_EQ(Complaint(Replace(kGood, "1, 2", "")), "line 15: no note says why look may be done");
  EXPECT_EQ(Complaint(Replace(kGood, "1, 2", "1, 3")), "line 21: look: there is no note 3");
  EXPECT_EQ(Complaint(Replace(kGood, "1, 2", "1")), "line 21: files has a note that no row names");
  EXPECT_EQ(Complaint(Replace(kGood, "1, 2", "one")), "line 15: a note that is no number");
}

TEST(MatrixTable, HasEachAttemptOnce) {
  EXPECT_EQ(Complaint(Replace(kGood, "`look`", "`read`")), "line 15: read is there twice");
  EXPECT_EQ(Complaint(Replace(kGood, "`look`", "look")), "line 15: 'look' is no attempt's name");
}

}  // namespace
}  // namespace forkserver::testing
