// A content process of the browser host: reads the pages that it is given, says what is in them,
// and paints them.
//
//     .programs = {{ProcessType::kContent, MakeChildProgram<PageChild>}}
//
// A page that is painted has its times (page_times.h) for what it needs from elsewhere and what it
// does itself; what has not come by then is left out of its picture.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_CHILD_H_
#define EXAMPLES_BROWSER_HOST_PAGE_CHILD_H_

#include <stddef.h>
#include <stdint.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "child/process/content_child.h"
#include "child/process/content_messages.h"
#include "examples/browser_host/about/about_client.h"
#include "examples/browser_host/page_messages.h"
#include "examples/browser_host/page_picture.h"
#include "examples/browser_host/page_resources.h"
#include "examples/browser_host/paint/parsed_page.h"
#include "transceiver/actor/resolver.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

class PageChild : public forkserver::ContentChild<PageChild, PageProtocol> {
 public:
  using ContentChild::Receive;

  absl::Status Receive(forkserver::BrowserOpened& message);
  absl::Status Receive(forkserver::BrowserClosed& message,
                       forkserver::Resolver<forkserver::Done> resolver);
  absl::Status Receive(LoadPage& message);

 protected:
  void Rehearse() override;
  absl::Status Init() override;
  void ReportMemory(forkserver::MemoryReporter& report) override;

 private:
  // What is still to be said of a page.
  struct PageAnswer {
    std::vector<PageItem> items = {};
    size_t sent = 0;
    std::optional<PagePainted> picture = {};
    PageDone done = {};
    bool is_whole = false;  // nothing is added any more
  };

  // Says it, as far as there is room, and goes on when there is more.
  absl::Status GoOnAnswering();

  struct Opened {
    forkserver::BrowserClaimField as = {};  // in the parent's own words
    std::string url = {};
  };

  void ShowAboutPage(const Opened& browser, const PictureSize& size);
  // What it says is in the answer then, and its picture.
  absl::Status Show(const absl::StatusOr<std::string>& html, const Opened& browser,
                    const PictureSize& size);
  // Its picture is in the answer then, or why it has none.
  void Paint(ParsedPage page, const Opened& browser, const PictureSize& size);
  void OnPainted(absl::StatusOr<PagePicture> picture);
  // What it has of the page that it painted last is free again.
  void LetGoOfPainter();
  // The same a millisecond later, and the machine has it back.
  void LetGoSoon();
  // Nothing more is said of the page that is shown.
  void DropPage();
  PageResources::Calls ResourceCalls();
  void CleanUp() override;

  std::map<uint64_t, Opened> browsers_;
  std::unique_ptr<AboutClient> about_;  // from the first such page on
  std::optional<PageAnswer> answer_;
  std::unique_ptr<PageResources> resources_;  // from the first page that is painted on
  std::unique_ptr<PicturePainter> painter_;   // until the page's picture is there
  forkserver::EventLoop::TimerId lets_go_ = 0;
  forkserver::UniqueFd canvas_;  // for the picture of that page
  uint64_t shown_ = 0;           // the browser whose page was loaded last
  int64_t loaded_at_ = 0;        // when it was
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_CHILD_H_
