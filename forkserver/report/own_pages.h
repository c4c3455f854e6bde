// The pages that a process has for itself alone, by its pagemap.
//
//     OwnPages pages = FindOwnPages(pagemap, start, end, budget);
//
// PAGEMAP_SCAN finds them (Linux 6.7); before that each entry of the range is read, as far as the
// budget goes.
#ifndef FORKSERVER_REPORT_OWN_PAGES_H_
#define FORKSERVER_REPORT_OWN_PAGES_H_

#include <stddef.h>
#include <stdint.h>

#include <vector>

namespace forkserver {

struct OwnPages {
  std::vector<uintptr_t> present = {};
  std::vector<uintptr_t> swapped = {};
  bool is_cut = false;  // the budget was used up before the end
  int error = 0;        // the errno of a read or scan that failed
};

// Of a private mapping. `budget`: entries that may be read one by one, and is used up.
OwnPages FindOwnPages(int pagemap, uintptr_t start, uintptr_t end, size_t& budget);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_OWN_PAGES_H_
