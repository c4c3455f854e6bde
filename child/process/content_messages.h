// What every content protocol has in common, behind what all top-level protocols have: browsers,
// and content processes nested below others.
//
//     struct ContentProtocol {
//       static constexpr std::string_view kName = "Content";
//       using Messages = ContentMessages<LoadPage, PageLoaded>;
//     };
//
// A content process (the owner) asks for another one (the nested process) and gets the end of a
// bridge to it:
//
//     owner -> parent    CreateNested{from, url}      answered with a bridge, its first browser and
//                                                     the owner's end
//     parent -> nested   AttachBridge{bridge, end}    the nested process's end
//     parent -> nested   BrowserOpened{bridge, browser, url}
//     owner -> parent    OpenNestedBrowser{from, bridge, url}   one more, in the same process
//     owner -> parent    CloseNestedBrowser{which}    the last one of a bridge closes the bridge
//     parent -> both     BrowserClosed{browser}       to the owner where it did not ask for it
//     parent -> both     BridgeClosed{bridge}
//
// Ids are the parent's: it alone makes them. Each message of a child names the browser for which it
// speaks, with the site and the attributes that it takes it to have; the parent holds that against
// its record (forkserver/model/browser_records.h) before any handler has the message: a
// BrowserClaimField that is anywhere in it is all that a message of a program's own needs for that.
// `from` is the owner's browser in which the bridge is; `which` is one that it owns and does not
// run, which is another claim (OwnedBrowserField).
//
// So a content child handles four of them; one that never asks for nested ones, nor is one, answers
// all the same. ContentChild (content_child.h) does it for a class that has no use for them:
//
//     absl::Status Receive(BrowserOpened& message);
//     absl::Status Receive(BrowserClosed& message, Resolver<Done> resolver);
//     absl::Status Receive(AttachBridge& message);
//     absl::Status Receive(BridgeClosed& message, Resolver<Done> resolver);
//
// Closed is answered with Done, from when on the sender speaks of what was closed no more: one that
// does all the same is killed. What was on its way before is refused, and nobody's fault.
#ifndef CHILD_PROCESS_CONTENT_MESSAGES_H_
#define CHILD_PROCESS_CONTENT_MESSAGES_H_

#include <stddef.h>
#include <stdint.h>

#include <string_view>
#include <tuple>

#include "child/process/content_bridge.h"
#include "child/process/top_level_messages.h"
#include "transceiver/actor/endpoint.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace forkserver {

// What fits into a message beside the claim, the fragment counted. Longer ones (data: has no limit
// of its own) cannot be told.
inline constexpr size_t kMaxUrlBytes = 48 * 1024;

// The browser that a message speaks for, and what its sender takes that browser to be: a field of
// every message that asks for what not every process may have.
struct BrowserClaimField {
  uint64_t browser = 0;
  Text<512> site = {};
  uint32_t user_context_id = 0;
  uint32_t private_browsing_id = 0;
  auto Fields() { return std::tie(browser, site, user_context_id, private_browsing_id); }
};

// The same of a browser that its sender owns, in a process below it. A type of its own, since it is
// held against another part of the record.
struct OwnedBrowserField {
  uint64_t browser = 0;
  Text<512> site = {};
  uint32_t user_context_id = 0;
  uint32_t private_browsing_id = 0;
  auto Fields() { return std::tie(browser, site, user_context_id, private_browsing_id); }
};

struct Done {
  auto Fields() { return std::tie(); }
};

struct NestedCreated {
  uint64_t bridge = 0;
  BrowserClaimField as = {};  // what its owner is to say of the browser
  Endpoint<ContentBridge, Side::kParent> end = {};
  auto Fields() { return std::tie(bridge, as, end); }
};

struct CreateNested {
  static constexpr std::string_view kName = "CreateNested";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = NestedCreated;
  BrowserClaimField from = {};  // the browser of the sender's in which it is to be
  Text<kMaxUrlBytes> url = {};
  auto Fields() { return std::tie(from, url); }
};

struct NestedBrowser {
  BrowserClaimField as = {};
  auto Fields() { return std::tie(as); }
};

struct OpenNestedBrowser {
  static constexpr std::string_view kName = "OpenNestedBrowser";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = NestedBrowser;
  BrowserClaimField from = {};
  uint64_t bridge = 0;
  Text<kMaxUrlBytes> url = {};
  auto Fields() { return std::tie(from, bridge, url); }
};

struct CloseNestedBrowser {
  static constexpr std::string_view kName = "CloseNestedBrowser";
  static constexpr SentBy kSentBy = SentBy::kChild;
  OwnedBrowserField which = {};
  auto Fields() { return std::tie(which); }
};

struct AttachBridge {
  static constexpr std::string_view kName = "AttachBridge";
  static constexpr SentBy kSentBy = SentBy::kParent;
  uint64_t bridge = 0;
  Endpoint<ContentBridge, Side::kChild> end = {};
  auto Fields() { return std::tie(bridge, end); }
};

struct BrowserOpened {
  static constexpr std::string_view kName = "BrowserOpened";
  static constexpr SentBy kSentBy = SentBy::kParent;
  uint64_t bridge = 0;        // 0: the parent's own
  BrowserClaimField as = {};  // what it is to say of itself
  // Canonical, with its fragment and without a user (forkserver/model/url.h).
  Text<kMaxUrlBytes> url = {};
  auto Fields() { return std::tie(bridge, as, url); }
};

struct BrowserClosed {
  static constexpr std::string_view kName = "BrowserClosed";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Done;
  uint64_t browser = 0;
  auto Fields() { return std::tie(browser); }
};

struct BridgeClosed {
  static constexpr std::string_view kName = "BridgeClosed";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Done;
  uint64_t bridge = 0;
  auto Fields() { return std::tie(bridge); }
};

template <typename... Own>
using ContentMessages =
    TopLevelMessages<CreateNested, OpenNestedBrowser, CloseNestedBrowser, AttachBridge,
                     BrowserOpened, BrowserClosed, BridgeClosed, Own...>;

}  // namespace forkserver

#endif  // CHILD_PROCESS_CONTENT_MESSAGES_H_
