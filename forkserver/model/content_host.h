// The base class of the parent's side of a program's content processes.
//
//     class PageHost : public ContentHost<PageHost, ContentProtocol> {
//      public:
//       using ContentHost::ContentHost;
//       using ContentHost::Receive;                          // what all content protocols have
//       absl::Status Receive(SaveCookie& message) {
//         if (absl::Status good = Check(ClaimOf(message.from)); !good.ok()) return FaultOf(good);
//         ...
//       }
//       void OnContentEnd(const ProcessEnd& end) override { ... }
//     };
//     ContentProcesses content(parent, suffixes,
//                              [](auto&... all) { return std::make_unique<PageHost>(all...); });
//
// A handler that returns an error has the child killed.
#ifndef FORKSERVER_MODEL_CONTENT_HOST_H_
#define FORKSERVER_MODEL_CONTENT_HOST_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/process/content_messages.h"
#include "forkserver/model/content_process.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/nested_content.h"
#include "forkserver/model/process_host.h"
#include "transceiver/actor/resolver.h"

namespace forkserver {

inline BrowserClaim ClaimOf(const BrowserClaimField& field) {
  return {.id = field.browser,
          .context = {.site = field.site.str(),
                      .attributes = {.user_context_id = field.user_context_id,
                                     .private_browsing_id = field.private_browsing_id}}};
}

inline BrowserClaimField FieldOf(const BrowserClaim& claim) {
  return {.browser = claim.id,
          .site = claim.context.site,
          .user_context_id = claim.context.attributes.user_context_id,
          .private_browsing_id = claim.context.attributes.private_browsing_id};
}

template <typename Self, typename Protocol>
class ContentHost : public ProcessHost<Self, Protocol, ContentProcess> {
 public:
  using Base = ProcessHost<Self, Protocol, ContentProcess>;
  using Base::Base;
  using Base::Receive;

  absl::Status Receive(CreateNested& message, Resolver<NestedCreated> resolver) {
    // Kept until B is launched, which is long after this handler.
    return this->siblings().nested().Create(
        *this, ClaimOf(message.from), message.url.view(),
        [resolver = std::make_shared<Resolver<NestedCreated>>(std::move(resolver))](
            absl::StatusOr<NestedBridge> created) {
          if (!created.ok()) return resolver->Reject(created.status());
          NestedCreated reply = {.bridge = created->bridge, .as = FieldOf(created->browser)};
          reply.end = std::move(created->end);
          // It is within its limits, or nobody waits for it any more.
          resolver->Resolve(reply).IgnoreError();
        });
  }

  absl::Status Receive(OpenNestedBrowser& message, Resolver<NestedBrowser> resolver) {
    absl::StatusOr<BrowserClaim> browser = this->siblings().nested().OpenBrowser(
        *this, ClaimOf(message.from), message.bridge, message.url.view());
    if (browser.ok()) return resolver.Resolve({.as = FieldOf(*browser)});
    resolver.Reject(browser.status());
    return this->FaultOf(browser.status());
  }

  absl::Status Receive(CloseNestedBrowser& message) {
    return this->siblings().nested().CloseBrowser(*this, ClaimOf(message.which));
  }

 private:
  absl::Status SendBrowserOpened(BrowserId browser, const BrowserRecord& record,
                                 std::string_view url) final {
    return this->Send(BrowserOpened{.bridge = record.bridge,
                                    .as = FieldOf({.id = browser, .context = record.context}),
                                    .url = url});
  }
  absl::Status SendBrowserClosed(BrowserId browser) final {
    return this->MustBeTold(
        this->Call(BrowserClosed{.browser = browser}, [this, browser](absl::StatusOr<Done>) {
          this->siblings().browsers().Confirm(browser, this->id());
        }));
  }
  absl::Status SendAttachBridge(BridgeId bridge, Endpoint<ContentBridge, Side::kChild> end) final {
    AttachBridge message = {.bridge = bridge};
    message.end = std::move(end);
    return this->Send(message);
  }
  absl::Status SendBridgeClosed(BridgeId bridge) final {
    return this->MustBeTold(
        this->Call(BridgeClosed{.bridge = bridge}, [this, bridge](absl::StatusOr<Done>) {
          this->siblings().nested().Confirm(*this, bridge);
        }));
  }
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_CONTENT_HOST_H_
