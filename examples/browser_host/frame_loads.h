// The frames of the page that a content process has: their documents, each in the process that the
// process model has for it.
//
//     FrameLoads frames(host, services, paint_nested);
//     frames.Begin(browser, is_secure);            // a page begins
//     frames.Load(message, std::move(resolver));   // it wants a frame's document
//     frames.End();                                // the page is over
//
// A document of the page's own process goes to that process, which lays it out itself. One of
// another process is laid out there: a content process nested below the page's
// (forkserver/model/nested_content.h), one for each remote type that the page has frames of. Its
// picture stays here, as a layer (compose/layer_tree.h) whose id the page's process is told.
//
// The response decides, and it is the parent's: a redirect to another site leads to another
// process, and a document that does not agree to be in an isolated page is not shown there. A
// nested process has no frames of other processes itself.
//
// Threads: the loop's. Owned by the host, whose end is the end of it.
#ifndef EXAMPLES_BROWSER_HOST_FRAME_LOADS_H_
#define EXAMPLES_BROWSER_HOST_FRAME_LOADS_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/compose/layer_tree.h"
#include "examples/browser_host/compose/shared_picture.h"
#include "examples/browser_host/load/loader.h"
#include "examples/browser_host/page_messages.h"
#include "examples/browser_host/page_services.h"
#include "forkserver/model/browser_records.h"
#include "forkserver/model/content_process.h"
#include "forkserver/model/url.h"
#include "transceiver/actor/resolver.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

// What a nested process is given to paint.
struct FrameDocument {
  forkserver::BrowserId browser = 0;
  forkserver::ChildId embedder = 0;
  forkserver::UniqueFd body = {};
  std::string charset = {};
  bool is_plain_text = false;
  bool is_secure = false;  // it came by https
  uint32_t width = 0;      // of its box, in CSS pixels
  uint32_t height = 0;
};

class FrameLoads {
 public:
  using PictureCallback = std::function<void(absl::StatusOr<SharedPicture> picture)>;
  // Has a document painted by a process that this program's hosts are for. Calls back once, unless
  // that host is destroyed before its process has ended.
  using PaintNested = std::function<void(forkserver::ContentProcess& nested, FrameDocument document,
                                         PictureCallback callback)>;

  FrameLoads(forkserver::ContentProcess& owner, PageServices& services, PaintNested paint_nested);
  FrameLoads(const FrameLoads&) = delete;
  FrameLoads& operator=(const FrameLoads&) = delete;
  ~FrameLoads();

  // `is_secure`: the page came by https. Ends the page before it.
  void Begin(forkserver::BrowserId page, bool is_secure);
  // What has not come is cancelled, and refused to the page's process; its layers are forgotten.
  void End();
  // Of the page that has begun.
  void Load(const LoadFrame& message, forkserver::Resolver<FrameLoaded> resolver);
  // What the response of a document that is being nested said (ContentEvents::embedder_policy_of).
  std::string EmbedderPolicyOf(const forkserver::Url& url) const;

 private:
  struct Wanted {
    forkserver::BrowserClaim page = {};
    uint32_t width = 0;
    uint32_t height = 0;
    forkserver::Resolver<FrameLoaded> resolver = {};
    Loaded document;
  };
  using WantedPointer = std::shared_ptr<Wanted>;

  // Calls back nothing when the page is over.
  template <typename Callback>
  auto OfThisPage(Callback callback) const;
  void OnDocument(const WantedPointer& wanted);
  absl::Status MayHaveOthersFrames() const;
  void Nest(const std::string& remote_type, const WantedPointer& wanted);
  void CreateNested(const std::string& remote_type, const WantedPointer& wanted);
  void Paint(forkserver::BrowserId browser, const WantedPointer& wanted);
  absl::StatusOr<LayerId> MakeLayer(forkserver::BrowserId browser, const SharedPicture& picture,
                                    const Wanted& wanted);

  forkserver::ContentProcess& owner_;
  PageServices& services_;
  const PaintNested paint_nested_;
  forkserver::BrowserId page_ = 0;
  bool is_secure_ = false;
  // That the page has asked for.
  size_t frames_ = 0;
  uint64_t frame_pixels_ = 0;
  std::vector<std::weak_ptr<Wanted>> wanted_;
  std::vector<LoadId> loads_;
  std::map<std::string, std::string> policies_;  // by the document's URL
  struct Nested {
    forkserver::BridgeId bridge = 0;  // 0: its process is being launched
    std::vector<WantedPointer> waiting = {};
  };
  std::map<std::string, Nested> nested_;  // by remote type
  std::shared_ptr<bool> is_wanted_ = std::make_shared<bool>(false);
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FRAME_LOADS_H_
