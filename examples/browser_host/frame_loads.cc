#include "examples/browser_host/frame_loads.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "examples/browser_host/fetch/content_type.h"
#include "forkserver/model/content_host.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/nested_content.h"
#include "forkserver/model/select_remote_type.h"

namespace browser_host {

using forkserver::BrowserId;
using forkserver::ContentProcess;
using forkserver::Resolver;
using forkserver::Url;

FrameLoads::FrameLoads(ContentProcess& owner, PageServices& services, PaintNested paint_nested)
    : owner_(owner), services_(services), paint_nested_(std::move(paint_nested)) {}

FrameLoads::~FrameLoads() { End(); }

void FrameLoads::Begin(BrowserId page, bool is_secure) {
  End();
  page_ = page;
  is_secure_ = is_secure;
}

void FrameLoads::End() {
  if (page_ != 0) services_.layers().CloseBrowser(std::exchange(page_, 0));
  for (const std::weak_ptr<Wanted>& one : std::exchange(wanted_, {})) {
    // Those that have their answer do not hear this one.
    if (const WantedPointer wanted = one.lock()) {
      wanted->resolver.Reject(absl::CancelledError("the page is over"));
    }
  }
  for (const LoadId load : std::exchange(loads_, {})) services_.loader().Cancel(load);
  *is_wanted_ = false;
  is_wanted_ = std::make_shared<bool>(true);
  frames_ = 0;
  frame_pixels_ = 0;
  policies_.clear();
  // Their bridges are closed with the page's browser.
  nested_.clear();
}

template <typename Callback>
auto FrameLoads::OfThisPage(Callback callback) const {
  return [wanted = is_wanted_, callback = std::move(callback)](auto&& result) {
    if (*wanted) callback(std::forward<decltype(result)>(result));
  };
}

std::string FrameLoads::EmbedderPolicyOf(const Url& url) const {
  const auto found = policies_.find(url.ToString());
  return found == policies_.end() ? std::string() : found->second;
}

void FrameLoads::Load(const LoadFrame& message, Resolver<FrameLoaded> resolver) {
  if (++frames_ > kMaxFramesOfAPage) {
    return resolver.Reject(absl::ResourceExhaustedError("the page has too many frames"));
  }
  if (message.width == 0 || message.width > kMostPictureWidth || message.height == 0 ||
      message.height > kMostPictureHeight) {
    return resolver.Reject(absl::InvalidArgumentError("a frame of no such size"));
  }
  frame_pixels_ += uint64_t{message.width} * message.height;
  if (frame_pixels_ > kMaxFramePixelsOfAPage) {
    return resolver.Reject(absl::ResourceExhaustedError("the page's frames are too large"));
  }
  const absl::StatusOr<Url> url = Url::Parse(message.url.view());
  if (!url.ok()) return resolver.Reject(url.status());
  // Mixed content (w3.org/TR/mixed-content).
  if (is_secure_ && url->HasScheme("http")) {
    return resolver.Reject(absl::PermissionDeniedError("not by http, in a page of https"));
  }
  auto wanted = std::make_shared<Wanted>(Wanted{.page = forkserver::ClaimOf(message.from),
                                                .width = message.width,
                                                .height = message.height,
                                                .resolver = std::move(resolver),
                                                .document = {.url = *url}});
  wanted_.push_back(wanted);
  const LoadId load = services_.loader().Load(
      *url, FetchFor::kDocument, OfThisPage([this, wanted](absl::StatusOr<Loaded> loaded) {
        const absl::Status shown =
            loaded.ok() ? CheckPageType(loaded->content_type) : loaded.status();
        if (!shown.ok()) return wanted->resolver.Reject(shown);
        wanted->document = *std::move(loaded);
        OnDocument(wanted);
      }));
  loads_.push_back(load);
}

void FrameLoads::OnDocument(const WantedPointer& wanted) {
  Loaded& document = wanted->document;
  const forkserver::RemoteType& own = owner_.remote_type();
  const absl::StatusOr<forkserver::Selection> selection =
      forkserver::SelectRemoteType({.url = document.url,
                                    .frame = forkserver::FramePosition::kSubframe,
                                    .embedder_policy = document.embedder_policy,
                                    .attributes = own.attributes,
                                    .owner = own,
                                    .initiator = own},
                                   owner_.parent().prefs(), services_.suffixes());
  if (!selection.ok()) return wanted->resolver.Reject(selection.status());
  const std::string url = document.url.ToString();
  if (selection->type == own) {
    FrameLoaded loaded = {.url = url};
    loaded.charset = document.charset;
    loaded.is_plain_text = IsPlainText(document.content_type);
    loaded.body.emplace().fd = forkserver::StrangersFd(std::move(document.body));
    wanted->resolver.Resolve(loaded).IgnoreError();
    return;
  }
  if (absl::Status may = MayHaveOthersFrames(); !may.ok()) return wanted->resolver.Reject(may);
  policies_[url] = document.embedder_policy;
  Nest(selection->type.ToString(), wanted);
}

// As the process model would refuse it, in words for whoever looks at the page.
absl::Status FrameLoads::MayHaveOthersFrames() const {
  if (owner_.bridge() != 0) {
    return absl::FailedPreconditionError("a frame of another site has no frames of other sites");
  }
  const forkserver::RemoteType& own = owner_.remote_type();
  if (owner_.parent().prefs().MayNest(own.kind)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("a page of remote type ", own.ToString(), " has no frames of other sites"));
}

void FrameLoads::Nest(const std::string& remote_type, const WantedPointer& wanted) {
  const auto [found, is_new] = nested_.try_emplace(remote_type);
  if (is_new) return CreateNested(remote_type, wanted);
  if (found->second.bridge == 0) return found->second.waiting.push_back(wanted);
  const absl::StatusOr<forkserver::BrowserClaim> browser = owner_.siblings().nested().OpenBrowser(
      owner_, wanted->page, found->second.bridge, wanted->document.url.ToString());
  if (!browser.ok()) return wanted->resolver.Reject(browser.status());
  Paint(browser->id, wanted);
}

void FrameLoads::CreateNested(const std::string& remote_type, const WantedPointer& wanted) {
  // What the page's process claims has been checked, and its error is the callback's too.
  owner_.siblings()
      .nested()
      .Create(owner_, wanted->page, wanted->document.url.ToString(),
              OfThisPage([this, remote_type,
                          wanted](const absl::StatusOr<forkserver::NestedBridge>& created) {
                std::vector<WantedPointer> waiting = std::move(nested_[remote_type].waiting);
                if (created.ok()) {
                  nested_[remote_type].bridge = created->bridge;
                  Paint(created->browser.id, wanted);
                } else {
                  nested_.erase(remote_type);
                  wanted->resolver.Reject(created.status());
                }
                for (const WantedPointer& next : waiting) Nest(remote_type, next);
              }))
      .IgnoreError();
}

void FrameLoads::Paint(BrowserId browser, const WantedPointer& wanted) {
  forkserver::ContentProcesses& content = owner_.siblings();
  const forkserver::BrowserRecord* const record = content.browsers().Find(browser);
  ContentProcess* const nested = record != nullptr ? content.Find(record->process) : nullptr;
  if (nested == nullptr) {
    return wanted->resolver.Reject(absl::UnavailableError("its process has ended"));
  }
  FrameDocument document = {.browser = browser,
                            .embedder = owner_.id(),
                            .body = std::move(wanted->document.body),
                            .charset = wanted->document.charset,
                            .is_plain_text = IsPlainText(wanted->document.content_type),
                            .is_secure = wanted->document.url.HasScheme("https"),
                            .width = wanted->width,
                            .height = wanted->height};
  paint_nested_(*nested, std::move(document),
                OfThisPage([this, browser, wanted](const absl::StatusOr<SharedPicture>& picture) {
                  if (!picture.ok()) return wanted->resolver.Reject(picture.status());
                  const absl::StatusOr<LayerId> layer = MakeLayer(browser, *picture, *wanted);
                  if (!layer.ok()) return wanted->resolver.Reject(layer.status());
                  wanted->resolver
                      .Resolve({.url = wanted->document.url.ToString(), .layer = *layer})
                      .IgnoreError();
                }));
}

absl::StatusOr<LayerId> FrameLoads::MakeLayer(BrowserId browser, const SharedPicture& picture,
                                              const Wanted& wanted) {
  const forkserver::BrowserRecord* const record = owner_.siblings().browsers().Find(browser);
  if (record == nullptr) return absl::UnavailableError("its process has ended");
  const absl::StatusOr<LayerId> layer = services_.layers().Open({.process = record->process,
                                                                 .browser = browser,
                                                                 .embedder_process = owner_.id(),
                                                                 .embedder = wanted.page.id});
  if (!layer.ok()) return layer.status();
  if (absl::Status set = services_.layers().SetPicture(*layer, picture); !set.ok()) return set;
  return *layer;
}

}  // namespace browser_host
