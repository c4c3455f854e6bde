// A content process of the browser host: reads the pages that it is given, and says what is in
// them.
//
//     .programs = {{ProcessType::kContent, MakeChildProgram<PageChild>}}
#ifndef EXAMPLES_BROWSER_HOST_PAGE_CHILD_H_
#define EXAMPLES_BROWSER_HOST_PAGE_CHILD_H_

#include <stddef.h>
#include <stdint.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "child/process/content_child.h"
#include "child/process/content_messages.h"
#include "examples/browser_host/page_messages.h"
#include "transceiver/actor/resolver.h"

namespace browser_host {

class PageChild : public forkserver::ContentChild<PageChild, PageProtocol> {
 public:
  using ContentChild::Receive;

  absl::Status Receive(forkserver::BrowserOpened& message);
  absl::Status Receive(forkserver::BrowserClosed& message,
                       forkserver::Resolver<forkserver::Done> resolver);
  absl::Status Receive(LoadPage& message);

 protected:
  void ReportMemory(forkserver::MemoryReporter& report) override;

 private:
  // What is still to be said of a page.
  struct PageAnswer {
    std::vector<PageItem> items = {};
    size_t sent = 0;
    std::optional<PagePainted> picture = {};
    PageDone done = {};
  };

  // Says it, as far as there is room, and goes on when there is more.
  absl::Status GoOnAnswering();

  struct Opened {
    forkserver::BrowserClaimField as = {};  // in the parent's own words
    std::string url = {};
  };

  // Its picture is in the answer then, or why it has none.
  void Paint(std::string_view html, const Opened& browser, uint32_t width);

  std::map<uint64_t, Opened> browsers_;
  std::optional<PageAnswer> answer_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_CHILD_H_
