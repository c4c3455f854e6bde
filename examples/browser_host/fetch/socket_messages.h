// What the parent and the socket process say to each other.
//
//     parent -> socket    FetchResource    answered with the resource, in a sealed memfd
//     parent -> socket    StopFetch      nobody wants that one any more
//
// What one could do to the other:
//
//   - A hostile server: what it can make of the socket process by a hole in libcurl or OpenSSL, it
//     has: all connections of the program, and what goes over them. No file but those of the
//     policy, no other process.
//   - A hostile socket process: answers that no server gave. The parent checks the form (bounds,
//     seals, sizes, that the final URL is one of http or https), never the truth: a socket process
//     that says that https://a.test answered is believed. That is what it is for.
//   - The parent reads no byte of a body. The memfd cannot change any more when it has it.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_SOCKET_MESSAGES_H_
#define EXAMPLES_BROWSER_HOST_FETCH_SOCKET_MESSAGES_H_

#include <stddef.h>
#include <stdint.h>

#include <string_view>
#include <tuple>

#include "child/process/top_level_messages.h"
#include "examples/browser_host/fetch/fetch_bounds.h"
#include "transceiver/actor/descriptor.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace browser_host {

inline constexpr size_t kMaxMimeTypeBytes = 128;
inline constexpr size_t kMaxPolicyBytes = 1024;

struct ResourceFetched {
  forkserver::Text<kMaxFetchUrlBytes> final_url = {};
  uint32_t http_status = 0;
  forkserver::Text<kMaxMimeTypeBytes> content_type = {};
  forkserver::Text<kMaxCharsetBytes> charset = {};
  forkserver::Text<kMaxPolicyBytes> opener_policy = {};
  forkserver::Text<kMaxPolicyBytes> embedder_policy = {};
  forkserver::Descriptor body = {};
  uint64_t body_size = 0;
  auto Fields() {
    return std::tie(final_url, http_status, content_type, charset, opener_policy, embedder_policy,
                    body, body_size);
  }
};

// Refused with what failed, in one line without the URL.
struct FetchResource {
  static constexpr std::string_view kName = "FetchResource";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = ResourceFetched;
  uint64_t id = 0;  // the parent's, for StopFetch
  forkserver::Text<kMaxFetchUrlBytes> url = {};
  FetchFor what = FetchFor::kDocument;
  uint32_t connect_millis = 0;
  uint32_t silence_millis = 0;
  uint32_t whole_millis = 0;
  uint32_t waited_millis = 0;  // of those
  auto Fields() {
    return std::tie(id, url, what, connect_millis, silence_millis, whole_millis, waited_millis);
  }
};

struct StopFetch {
  static constexpr std::string_view kName = "StopFetch";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  uint64_t id = 0;
  auto Fields() { return std::tie(id); }
};

struct SocketProtocol {
  static constexpr std::string_view kName = "Socket";
  using Messages = forkserver::TopLevelMessages<FetchResource, StopFetch>;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_SOCKET_MESSAGES_H_
