// The pages that break their process, for whoever wants to see what becomes of the others:
// about:crash, about:hang and about:oom.
#ifndef EXAMPLES_BROWSER_HOST_BROKEN_TABS_H_
#define EXAMPLES_BROWSER_HOST_BROKEN_TABS_H_

#include <string_view>

namespace browser_host {

bool IsBrokenTab(std::string_view url);

// Does not return where the page is one of those: the process crashes, goes on for ever without
// answering, or has no memory any more.
void BreakFor(std::string_view url);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_BROKEN_TABS_H_
