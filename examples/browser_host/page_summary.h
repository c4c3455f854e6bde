// What a content process finds in a page.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_SUMMARY_H_
#define EXAMPLES_BROWSER_HOST_PAGE_SUMMARY_H_

#include <stdint.h>

#include <string>
#include <vector>

namespace browser_host {

class ParsedPage;

struct PageSummary {
  std::string title;
  std::vector<std::string> headings;  // "h2 Opening hours"
  std::vector<std::string> links;     // the href of each <a>, as written
  uint64_t text_bytes = 0;            // what a reader sees, with runs of white space counted as one
};

// Works through deep nesting without recursion.
PageSummary SummarizePage(const ParsedPage& page);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_SUMMARY_H_
