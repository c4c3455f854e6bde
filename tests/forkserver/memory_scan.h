// Looks for marked text anywhere in the memory of a process.
//
//     const std::string secret = Marker('a', 17);                // in the host
//     ...
//     MemoryScan scan = ScanMemory("self");                        // in a child
//     scan.found                                                   // {{'a', 17}}
//
// Every marker begins with the same bytes, which are put together when they are needed: the
// program's own code and constants do not contain them.
#ifndef TESTS_FORKSERVER_MEMORY_SCAN_H_
#define TESTS_FORKSERVER_MEMORY_SCAN_H_

#include <stdint.h>

#include <map>
#include <string>

namespace forkserver::testing {

// Printable, without "=" or NUL, so that it may be an argument or a variable.
std::string Marker(char kind, int number);

struct MemoryScan {
  // Marker's text behind its common beginning ("a00017"), and where it was seen last.
  std::map<std::string, std::string> found;
  uint64_t bytes = 0;  // that were read
};

// Of /proc/`process`: all mappings that can be read, but for shadow memory of a sanitizer.
MemoryScan ScanMemory(const std::string& process);

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_MEMORY_SCAN_H_
