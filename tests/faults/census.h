// What a process has: its descriptors, children, mappings and heap.
#ifndef TESTS_FAULTS_CENSUS_H_
#define TESTS_FAULTS_CENSUS_H_

#include <stddef.h>

#include <string>

namespace forkserver::testing {

struct Census {
  long descriptors = 0;
  long children = 0;  // zombies too
  long mappings = 0;
  long heap_bytes = 0;

  std::string ToString() const;
};

Census TakeCensus();

// Where each open descriptor leads.
std::string ListDescriptors();
// The name and state of each child.
std::string ListChildren();

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_CENSUS_H_
