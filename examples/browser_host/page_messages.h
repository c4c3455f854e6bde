// What the browser host and its content processes say to each other, besides what all content
// protocols have (child/process/content_messages.h).
//
//     parent -> content   BrowserOpened  which browser it is, and its URL
//     parent -> content   LoadPage       the page's file as a descriptor: content opens nothing
//                                        itself; or its path, for `file` processes, which do, and
//                                        to show what becomes of that in another one's sandbox
//     content -> parent   PageItems      title, headings and links; as many messages as they need
//     content -> parent   LoadResource   wants a style sheet or an image of its page; answered with
//                                        its bytes, as a descriptor
//     content -> parent   OpenDecoder    wants a line to the data decoder
//                                        (decode/decoder_messages.h)
//     content -> parent   OpenAboutData  wants what about: pages show (about/about_messages.h)
//     content -> parent   LoadFrame      wants the document of a frame of its page; the answer has
//                                        its bytes, where that belongs into the same process, or
//                                        the layer that has its picture, which another process has
//                                        painted
//     content -> parent   PagePainted    its picture, in memory that nobody can change any more;
//                                        where in it which layers go; of a page that was to be
//                                        painted, and could be
//     content -> parent   PageDone       the text size, or why the page could not be read
//
// Layers are pictures that the parent has of other processes' frames. It gives out their ids, each
// to the browser that has asked for the frame; a PagePainted that names any other layer kills its
// process.
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
#include "examples/browser_host/about/about_messages.h"
#include "examples/browser_host/decode/decoder_messages.h"
#include "examples/browser_host/fetch/fetch_bounds.h"
#include "examples/browser_host/picture_bounds.h"
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
  forkserver::Text<4096> path = {};                 // where there is no descriptor
  forkserver::Text<kMaxCharsetBytes> charset = {};  // of the response; or empty
  // Memory for its picture (compose/canvas.h), where there is some.
  std::optional<forkserver::Descriptor> canvas = {};
  uint32_t paint_width = 0;    // in CSS pixels; 0: it is not to be painted
  uint32_t paint_height = 0;   // of a frame's box, and its picture; 0: as high as it is
  bool is_plain_text = false;  // by the response, or the file's name: no HTML
  auto Fields() {
    return std::tie(browser, page, path, charset, canvas, paint_width, paint_height, is_plain_text);
  }
};

// What a page may name; longer ones are not loaded.
inline constexpr size_t kMaxResourceUrlBytes = 8 * 1024;
// Of one page; more are refused.
inline constexpr size_t kMaxResourcesOfAPage = 1000;
inline constexpr size_t kMaxFramesOfAPage = 32;
// Of the pictures of all frames, which are memory that the parent keeps.
inline constexpr uint64_t kMaxFramePixelsOfAPage = uint64_t{1} << 25;
// Of what came from the network, which is memory as long as the page's process has it open.
inline constexpr uint64_t kMaxResourceBytesOfAPage = uint64_t{1} << 28;
// The decoder may die, and there may be another one.
inline constexpr size_t kMaxDecoderLinesOfAPage = 4;

struct ResourceLoaded {
  forkserver::Descriptor body = {};  // a file, to be read from its beginning
  auto Fields() { return std::tie(body); }
};

// Refused with why it could not be loaded.
struct LoadResource {
  static constexpr std::string_view kName = "LoadResource";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  using Reply = ResourceLoaded;
  forkserver::BrowserClaimField from = {};
  FetchFor what = FetchFor::kImage;  // no document
  forkserver::Text<kMaxResourceUrlBytes> url = {};
  auto Fields() { return std::tie(from, what, url); }
};

struct FrameLoaded {
  forkserver::Text<kMaxResourceUrlBytes> url = {};  // after redirects
  std::optional<forkserver::Descriptor> body = {};  // as a resource's
  forkserver::Text<kMaxCharsetBytes> charset = {};  // as a page's
  uint64_t layer = 0;                               // where there is no body
  bool is_plain_text = false;                       // as a page's
  auto Fields() { return std::tie(url, body, charset, layer, is_plain_text); }
};

// Refused with why there is no document.
struct LoadFrame {
  static constexpr std::string_view kName = "LoadFrame";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  using Reply = FrameLoaded;
  forkserver::BrowserClaimField from = {};
  forkserver::Text<kMaxResourceUrlBytes> url = {};
  uint32_t width = 0;  // of its box, in CSS pixels
  uint32_t height = 0;
  auto Fields() { return std::tie(from, url, width, height); }
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

// Another process's picture in this one, clipped to both.
struct LayerPlace {
  uint64_t layer = 0;
  uint32_t x = 0;
  uint32_t y = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  auto Fields() { return std::tie(layer, x, y, width, height); }
};

struct PagePainted {
  static constexpr std::string_view kName = "PagePainted";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  forkserver::BrowserClaimField from = {};
  uint32_t width = 0;
  uint32_t height = 0;
  // A sealed memfd (transceiver/sealed_memfd.h) of width times height pixels (paint/pixels.h).
  forkserver::Descriptor pixels = {};
  uint64_t paint_nanos = 0;  // from the page's bytes to the picture, by the process's own word
  // The same of how high the page is, in pixels; kMostPageHeight: as high, or higher.
  uint32_t page_height = 0;
  forkserver::List<LayerPlace, kMaxFramesOfAPage> layers = {};
  auto Fields() { return std::tie(from, width, height, pixels, paint_nanos, page_height, layers); }
};

struct PageDone {
  static constexpr std::string_view kName = "PageDone";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  forkserver::BrowserClaimField from = {};
  uint64_t text_bytes = 0;
  forkserver::Text<kMaxItemBytes> error = {};       // empty: the page was read
  forkserver::Text<kMaxItemBytes> no_picture = {};  // why it has none, where it was to have one
  uint32_t blocked_images = 0;                      // that a pref (page_prefs.h) has left out
  uint32_t undecoded_images = 0;                    // whose bytes have come, and no pixels
  forkserver::Text<kMaxItemBytes> undecoded = {};   // why, of the first
  auto Fields() {
    return std::tie(from, text_bytes, error, no_picture, blocked_images, undecoded_images,
                    undecoded);
  }
};

struct PageProtocol {
  static constexpr std::string_view kName = "Content";
  using Messages = forkserver::ContentMessages<LoadPage, PageItems, LoadResource, OpenDecoder,
                                               LoadFrame, OpenAboutData, PagePainted, PageDone>;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_MESSAGES_H_
