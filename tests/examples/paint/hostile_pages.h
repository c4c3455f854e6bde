// Pages that somebody made to do harm. The same ones each time.
#ifndef TESTS_EXAMPLES_PAINT_HOSTILE_PAGES_H_
#define TESTS_EXAMPLES_PAINT_HOSTILE_PAGES_H_

#include <stdint.h>

#include <string>
#include <vector>

namespace browser_host {

struct HostilePage {
  const char* what;
  std::string html;
};

// One of each kind: nested deeply, huge in each way, contradictory, cut.
std::vector<HostilePage> HostilePages();

// Tags, styles and text in any order, of each seed another one.
std::string RandomPage(uint32_t seed);

}  // namespace browser_host

#endif  // TESTS_EXAMPLES_PAINT_HOSTILE_PAGES_H_
