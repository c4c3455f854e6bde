// The base class of the parent's side of a program's content processes.
//
//     class PageHost : public ContentHost<PageHost, ContentProtocol> {
//      public:
//       using ContentHost::ContentHost;
//       using ContentHost::Receive;                          // what all content protocols have
//       absl::Status Receive(SaveCookie& message);           // has a BrowserClaimField: it is true
//       void OnContentEnd(const ProcessEnd& end) override { ... }
//     };
//     ContentProcesses content(parent, suffixes,
//                              [](auto&... all) { return std::make_unique<PageHost>(all...); });
//
// The other side is a ContentChild (child/process/content_child.h).
//
// A handler that returns an error has the child killed. Before a handler is called, and for each
// message and reply of the child's without a word of the program's own:
//
// - Every BrowserClaimField in it is held against the record of its browser, and every
//   OwnedBrowserField against that of its owner. One that is false kills the child. One whose
//   browser is being closed was on its way: a call is rejected with that, any other message
//   dropped, and nobody is killed. Where the field is optional, a message without it claims
//   nothing.
// - WritableMemory of a process that may share none kills it.
//
// And before anything is sent: Send and Call return PermissionDenied ("content 3 (web) may share no
// memory") for a message with WritableMemory to such a process. A call of its own, to which the
// reply may hold some, is rejected with that unhandled. A bare Descriptor may be memory too, of
// which nothing is known here; nor is what goes over endpoints seen.
#ifndef FORKSERVER_MODEL_CONTENT_HOST_H_
#define FORKSERVER_MODEL_CONTENT_HOST_H_

#include <concepts>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/process/content_messages.h"
#include "forkserver/model/content_process.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/nested_content.h"
#include "forkserver/model/process_host.h"
#include "transceiver/actor/admission.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/resolver.h"
#include "transceiver/actor/shared_memory.h"
#include "transceiver/actor/visit_fields.h"

namespace forkserver {

template <typename Field>
requires std::same_as<Field, BrowserClaimField> || std::same_as<Field, OwnedBrowserField>
inline BrowserClaim ClaimOf(const Field& field) {
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

// What ContentHost's checks say. Nobody else can make these, so that an overload in its place,
// which checks nothing, is seen when it is compiled.
class CheckedAdmission : public Admission {
 private:
  template <typename, typename>
  friend class ContentHost;
  CheckedAdmission(Admission admission) : Admission(std::move(admission)) {}  // NOLINT: converts
};
class CheckedOutgoing {
 public:
  operator absl::Status() && { return std::move(status_); }  // NOLINT: converts

 private:
  template <typename, typename>
  friend class ContentHost;
  explicit CheckedOutgoing(absl::Status status) : status_(std::move(status)) {}
  absl::Status status_;
};

// Whether all that a class sends and receives in its protocol goes through ContentHost's checks.
template <typename Self, typename Protocol>
constexpr bool ChecksAllMessages() {
  const auto checks = []<typename T>(T*) {
    bool all = true;
    if constexpr (HasField<BrowserClaimField, T>() || HasField<OwnedBrowserField, T>() ||
                  HasField<WritableMemory, T>()) {
      all = requires(Self & self, const T& message) {
        { self.Admit(message) } -> std::same_as<CheckedAdmission>;
      };
    }
    if constexpr (HasField<WritableMemory, T>()) {
      all = all && requires(Self & self, const T& message) {
        { self.CheckOutgoing(message) } -> std::same_as<CheckedOutgoing>;
      };
    }
    return all;
  };
  const auto checks_each = [&]<typename... M>(MessageList<M...>*) {
    return ((checks(static_cast<M*>(nullptr)) && checks(static_cast<ReplyOf<M>*>(nullptr))) && ...);
  };
  return checks_each(static_cast<typename Protocol::Messages*>(nullptr));
}

template <typename Self, typename Protocol>
class ContentHost : public ProcessHost<Self, Protocol, ContentProcess> {
 public:
  using Base = ProcessHost<Self, Protocol, ContentProcess>;
  using Base::Base;
  using Base::Receive;

  // The actor's (transceiver/actor/actor.h). A class that has one of its own, for messages without
  // such fields, has these as well by `using ContentHost::Admit`; one that would be called in their
  // place does not compile.
  template <typename M>
  requires(HasField<BrowserClaimField, M>() || HasField<OwnedBrowserField, M>() ||
           HasField<WritableMemory, M>() || HasField<WritableMemory, ReplyOf<M>>()) CheckedAdmission
      Admit(const M& message) {
    if (absl::Status may = CheckMemory(message); !may.ok()) return Admission::Violation(may);
    const absl::Status claims = CheckClaims(message);
    if (IsFault(claims)) return Admission::Violation(claims);
    if (!claims.ok()) return Admission::Refuse(claims);
    if constexpr (HasField<WritableMemory, ReplyOf<M>>()) {
      if (absl::Status may = this->CheckMayShareMemory(); !may.ok()) return Admission::Refuse(may);
    }
    return Admission::Grant();
  }
  template <typename M>
  requires(HasField<WritableMemory, M>()) CheckedOutgoing CheckOutgoing(const M& message) {
    return CheckedOutgoing(CheckMemory(message));
  }

  absl::Status Receive(CreateNested& message, Resolver<NestedCreated> resolver) {
    // Kept until B is launched, which is long after this handler.
    return this->siblings().nested().Create(
        *this, ClaimOf(message.from), message.url.view(),
        [this, resolver = std::make_shared<Resolver<NestedCreated>>(std::move(resolver))](
            absl::StatusOr<NestedBridge> created) {
          if (!created.ok()) return resolver->Reject(created.status());
          NestedCreated reply = {.bridge = created->bridge, .as = FieldOf(created->browser)};
          reply.end = std::move(created->end);
          // An owner that reads nothing would have a bridge and not know of it.
          this->MustBeTold(resolver->TryResolve(reply)).IgnoreError();
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
  // Of several, a false one counts.
  template <typename M>
  absl::Status CheckClaims(const M& message) const {
    absl::Status worst;
    const auto count = [&](absl::Status good) {
      if (worst.ok() || (IsFault(good) && !IsFault(worst))) worst = std::move(good);
    };
    VisitFields<BrowserClaimField>(
        message, [&](const BrowserClaimField& field) { count(this->Check(ClaimOf(field))); });
    VisitFields<OwnedBrowserField>(message, [&](const OwnedBrowserField& field) {
      count(this->siblings().browsers().CheckOwner(this->id(), ClaimOf(field)));
    });
    return worst;
  }

  template <typename M>
  absl::Status CheckMemory(const M& message) const {
    bool has_memory = false;
    VisitFields<WritableMemory>(message, [&](const WritableMemory&) { has_memory = true; });
    return has_memory ? this->CheckMayShareMemory() : absl::OkStatus();
  }

  absl::Status SendBrowserOpened(BrowserId browser, const BrowserRecord& record,
                                 std::string_view url) final {
    static_assert(ChecksAllMessages<Self, Protocol>(),
                  "an Admit or a CheckOutgoing of its own takes the place of ContentHost's; say "
                  "`using` of those too, and leave them what has claims or memory");
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
