// What a process has: its descriptors, children, mappings and heap.
#ifndef TESTS_FAULTS_CENSUS_H_
#define TESTS_FAULTS_CENSUS_H_

#include <stddef.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace forkserver::testing {

struct Census {
  long descriptors = 0;
  long children = 0;  // zombies too
  long mappings = 0;
  long heap_bytes = 0;

  std::string ToString() const;
};

Census TakeCensus();

// What another process of this host's has, as /proc says.
struct ProcessView {
  pid_t pid = -1;
  std::vector<std::string> descriptors;  // where they lead, without the numbers of sockets; sorted
  std::vector<std::string> mappings;     // address, access and file of each

  // Empty where the descriptors and the number of mappings are the same.
  std::string DifferenceTo(const ProcessView& later) const;
};

// Without descriptors or mappings where the process is gone, or may not be looked into.
ProcessView LookAt(pid_t pid);

// Where each open descriptor leads.
std::string ListDescriptors();
// The name and state of each child.
std::string ListChildren();

}  // namespace forkserver::testing

#endif  // TESTS_FAULTS_CENSUS_H_
