// docs/process-types.md is held against the table of process types.
#include "tests/child/process_types_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "child/process_types.h"

namespace forkserver::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string ReadPage() {
  std::ifstream file("docs/process-types.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ProcessTypesPage, HasTheTablesAsTheyArePrinted) {
  const std::string page = ReadPage();
  for (const PageSection& section : ProcessTypePage()) {
    EXPECT_THAT(page, HasSubstr(ToString(section)))
        << "bazel run //tests/child:print_process_types";
  }
}

TEST(ProcessTypesPage, HasNoOtherLinesOfTables) {
  std::vector<std::string> printed;
  for (const PageSection& section : ProcessTypePage()) {
    printed.insert(printed.end(), section.lines.begin(), section.lines.end());
  }
  const std::vector<std::string> lines = absl::StrSplit(ReadPage(), '\n');
  for (const std::string& line : lines) {
    if (line.rfind("|", 0) != 0) continue;
    EXPECT_THAT(printed, Contains(line));
  }
}

TEST(ProcessTypesPage, HasALineForEachTypeInEachTable) {
  for (const PageSection& section : ProcessTypePage()) {
    EXPECT_THAT(section.lines, SizeIs(ProcessTypes().size() + 2)) << section.heading;
  }
}

}  // namespace
}  // namespace forkserver::testing
