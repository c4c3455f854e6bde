// What the browser host and its content processes say to each other, besides what all content
// protocols have (child/process/content_messages.h).
//
//     parent -> content   BrowserOpened  which browser it is, and its URL
//     parent -> content   LoadPage       the page's file as a descriptor: content opens nothing
//                                        itself; or its path, for `file` processes, which do, and
//                                        to show what becomes of that in another one's sandbox
//     content -> parent   PageItems      title, headings and links; as many messages as they need
//     content -> parent   PageDone       the text size, or why the page could not be read
//
// The parent gives a process one page at a time, so that one that dies takes one page with it and
// not the rest. What a process says of a page it says in its browser's name, and the parent holds
// that against its record before PageHost has it: no process can say anything of another one's
// page.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_MESSAGES_H_
#define EXAMPLES_BROWSER_HOST_PAGE_MESSAGES_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <string_view>
#include <tuple>

#include "child/process/content_messages.h"
#include "transceiver/actor/descriptor.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace browser_host {

// Longer ones are cut.
inline constexpr size_t kMaxItemBytes = 4096;
// As many of the longest as a message has room for.
inline constexpr size_t kMaxItemsOfAMessage = 15;
// Headings and links. A page that has more is one that cannot be read; a process that sends more
// breaks the protocol.
inline constexpr size_t kMaxItemsOfAPage = 100'000;

struct LoadPage {
  static constexpr std::string_view kName = "LoadPage";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  uint64_t browser = 0;
  std::optional<forkserver::Descriptor> page = {};
  forkserver::Text<4096> path = {};  // where there is no descriptor
  auto Fields() { return std::tie(browser, page, path); }
};

enum class PageItemKind : uint8_t { kTitle, kHeading, kLink };
constexpr PageItemKind LastValue(PageItemKind) { return PageItemKind::kLink; }

struct PageItem {
  PageItemKind kind = PageItemKind::kTitle;
  forkserver::Text<kMaxItemBytes> text = {};
  auto Fields() { return std::tie(kind, text); }
};

struct PageItems {
  static constexpr std::string_view kName = "PageItems";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  forkserver::BrowserClaimField from = {};
  forkserver::List<PageItem, kMaxItemsOfAMessage> list = {};
  auto Fields() { return std::tie(from, list); }
};

struct PageDone {
  static constexpr std::string_view kName = "PageDone";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  forkserver::BrowserClaimField from = {};
  uint64_t text_bytes = 0;
  forkserver::Text<kMaxItemBytes> error = {};  // empty: the page was read
  auto Fields() { return std::tie(from, text_bytes, error); }
};

struct PageProtocol {
  static constexpr std::string_view kName = "Content";
  using Messages = forkserver::ContentMessages<LoadPage, PageItems, PageDone>;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_MESSAGES_H_
