// The table of process types as docs/process-types.md has it: one table for each question.
//
//     for (const PageSection& section : ProcessTypePage()) Print(section);
//
// process_types_page_test holds the page against it; print_process_types prints it anew.
#ifndef TESTS_CHILD_PROCESS_TYPES_PAGE_H_
#define TESTS_CHILD_PROCESS_TYPES_PAGE_H_

#include <string>
#include <vector>

namespace forkserver::testing {

struct PageSection {
  std::string heading = {};             // "## Names"
  std::vector<std::string> lines = {};  // of the table, without their newlines
};

std::vector<PageSection> ProcessTypePage();

// As it stands in the page.
std::string ToString(const PageSection& section);

}  // namespace forkserver::testing

#endif  // TESTS_CHILD_PROCESS_TYPES_PAGE_H_
