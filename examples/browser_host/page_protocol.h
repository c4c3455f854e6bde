// What host and content process say to each other over the launch socket, once it is Ready.
//
//     host -> content   OpenPage   the page's file as a descriptor: content opens nothing itself;
//                                  or its path, to show what becomes of that in a sandbox
//     content -> host   PageItems  title, headings and links, in as many messages as they need
//     content -> host   PageDone   the text size, or why the page could not be read
//
// One page at a time, so that a process that dies takes one page with it and not the rest.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_PROTOCOL_H_
#define EXAMPLES_BROWSER_HOST_PAGE_PROTOCOL_H_

#include <stdint.h>

#include <span>
#include <string>
#include <string_view>

#include "examples/browser_host/page_summary.h"
#include "transceiver/messages.h"
#include "transceiver/mini_transceiver.h"

namespace browser_host {

enum PageMessage : uint16_t {
  kOpenPage = forkserver::kFirstApplicationType,
  kPageItems,
  kPageDone,
};

// The content process's side: sends `summary` and `error` as items and done. Returns 0 or an
// errno. What is longer than a message is cut.
int SendSummary(forkserver::MiniTransceiver& channel, const PageSummary& summary,
                std::string_view error);

// The host's side. False: the payload is not such a message, and the sender is not to be trusted
// with another page.
bool AddItems(std::span<const uint8_t> payload, PageSummary& summary);
bool ReadDone(std::span<const uint8_t> payload, PageSummary& summary, std::string& error);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_PROTOCOL_H_
