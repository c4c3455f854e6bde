// The parent's side of a content process of the browser host: gives it pages, one at a time, and
// collects what it says of them.
//
//     host.Load({.browser = browser, .file = file, .on_end = on_end});
//
// A page that gets no answer within ten seconds (of the loop's, patience.h) ends the process; so
// does anything that is no answer. Then that page has an error, and pages that were waiting for
// their turn are as they were.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_HOST_H_
#define EXAMPLES_BROWSER_HOST_PAGE_HOST_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/compose/compositor_service.h"
#include "examples/browser_host/compose/picture.h"
#include "examples/browser_host/compose/shared_picture.h"
#include "examples/browser_host/frame_loads.h"
#include "examples/browser_host/page_messages.h"
#include "examples/browser_host/page_services.h"
#include "examples/browser_host/page_summary.h"
#include "examples/browser_host/patience.h"
#include "examples/browser_host/resource_tally.h"
#include "forkserver/model/content_host.h"
#include "forkserver/model/url.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

struct PageResult {
  // Of headings and links the first kKeptItems; there are as many as behind it.
  PageSummary summary = {};
  size_t headings = 0;
  size_t links = 0;
  std::shared_ptr<const Picture> picture = {};  // null: it was not to be painted, or could not be
  SharedPicture shared = {};                    // the same, to be handed on
  uint64_t paint_nanos = 0;                     // by its process's word
  uint32_t page_height = 0;       // the same, where the picture is cut; kMostPageHeight at most
  std::string no_picture = {};    // why it could not be
  uint32_t blocked_images = 0;    // by a pref (page_prefs.h), by its process's word
  uint32_t undecoded_images = 0;  // came and were not decoded, by its process's word
  std::string undecoded = {};     // why the first was not
  MissingResources missing = {};  // of its images and style sheets
  std::string error = {};         // why it could not be read; empty: it was
  bool was_read = false;          // it has all that is above, whatever `error` says
  pid_t died = 0;  // of the process that ended with it, or was killed for it; 0: none was
};

// A page may have 100,000 of 4 KiB each.
inline constexpr size_t kKeptItems = 16;

// Of a page that was not read.
inline PageResult NotRead(absl::string_view why) {
  PageResult result;
  result.error = std::string(why);
  return result;
}

enum class PageEnd : uint8_t {
  kDone,
  kNotBegun,  // its process ended while it was waiting: another one can load it
};

class PageHost : public forkserver::ContentHost<PageHost, PageProtocol> {
 public:
  struct Loading {
    forkserver::BrowserId browser = 0;
    forkserver::UniqueFd file = {};    // open; or else
    std::string path = {};             // what the process is to open itself
    std::string charset = {};          // of the response
    bool is_plain_text = false;        // by the response, or the file's name
    bool is_secure = false;            // it came by https
    uint32_t paint_width = 0;          // in CSS pixels; 0: it is not to be painted
    forkserver::ChildId embedder = 0;  // of a frame: the process of its page
    uint32_t paint_height = 0;         // of a frame; 0: as high as the page is
    std::function<void(PageEnd end, PageResult result)> on_end = {};
  };

  // `services` is borrowed, and outlives it.
  PageHost(forkserver::ParentProcess& parent, forkserver::ContentProcesses& siblings,
           PageServices& services);
  using ContentHost::Receive;
  ~PageHost() override;

  // `on_end` is called once, unless this is destroyed before the process has ended. It may load the
  // next page.
  void Load(Loading loading);

  absl::Status Receive(PageItems& message);
  absl::Status Receive(LoadResource& message, forkserver::Resolver<ResourceLoaded> resolver);
  absl::Status Receive(OpenDecoder& message, forkserver::Resolver<DecoderOpened> resolver);
  absl::Status Receive(OpenAboutData& message, forkserver::Resolver<AboutDataOpened> resolver);
  absl::Status Receive(LoadFrame& message, forkserver::Resolver<FrameLoaded> resolver);
  absl::Status Receive(PagePainted& message);
  absl::Status Receive(PageDone& message);

  const FrameLoads& frames() const { return frames_; }
  // How many it was given so far.
  size_t pages() const { return pages_; }
  // 0: those were a tab's own.
  forkserver::ChildId embedder() const { return embedder_; }

 private:
  void Begin();
  // Of the page that is being loaded, whose process has not heard of it.
  void RefuseSoon(const absl::Status& why);
  // Of a resource, or why the page has none of it.
  absl::StatusOr<forkserver::Url> MayLoad(const LoadResource& wanted) const;
  // Whether the page that is being loaded is what the process speaks of.
  bool IsLoading(const forkserver::BrowserClaimField& from) const;
  // Makes the picture whole, where frames of other processes belong into it.
  void Compose(PageResult result);
  void OnComposed(PageResult result, const absl::StatusOr<SharedPicture>& whole);
  static void PaintNested(forkserver::ContentProcess& nested, FrameDocument document,
                          FrameLoads::PictureCallback callback);
  void EndPage(PageResult result);
  // With this process.
  void LosePage(absl::string_view why);
  void OnContentEnd(const forkserver::ProcessEnd& end) override;

  PageServices& services_;
  std::deque<Loading> waiting_;  // the first is being loaded
  pid_t pid_ = 0;
  bool is_loading_ = false;
  bool is_composing_ = false;         // it has said all of the first
  PageResult result_;                 // of the first, so far
  std::vector<ComposeLayer> layers_;  // in its picture
  size_t pages_ = 0;
  forkserver::ChildId embedder_ = 0;
  // What the first has asked for.
  std::shared_ptr<ResourceTally> tally_;  // what comes too late is told to that of its own page
  size_t decoder_lines_ = 0;
  std::vector<LoadId> loads_;
  Patience patience_;
  forkserver::EventLoop::TimerId refused_ = 0;
  FrameLoads frames_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_HOST_H_
