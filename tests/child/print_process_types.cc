// Prints the tables of docs/process-types.md, to be put into it after a change of the table:
//
//     bazel run //tests/child:print_process_types
#include <stdio.h>

#include "tests/child/process_types_page.h"

int main() {
  for (const auto& section : forkserver::testing::ProcessTypePage()) {
    printf("%s\n", ToString(section).c_str());
  }
}
