// What is fetched for what, and what bounds it.
//
// Pure values, for both ends.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_FETCH_BOUNDS_H_
#define EXAMPLES_BROWSER_HOST_FETCH_FETCH_BOUNDS_H_

#include <stddef.h>
#include <stdint.h>

#include "absl/time/time.h"

namespace browser_host {

enum class FetchFor : uint8_t { kDocument, kImage, kStyleSheet };
constexpr FetchFor LastValue(FetchFor) { return FetchFor::kStyleSheet; }

// Of a body, as it is when it is unpacked: what its reader takes (PaintBounds::html_bytes and
// css_bytes, DecodeBounds::encoded_bytes).
constexpr size_t MaxBodyBytes(FetchFor what) {
  constexpr size_t kMebibyte = size_t{1} << 20;
  switch (what) {
    case FetchFor::kDocument:
      return 16 * kMebibyte;
    case FetchFor::kImage:
      return 32 * kMebibyte;
    case FetchFor::kStyleSheet:
      return 4 * kMebibyte;
  }
  return 0;
}

// Longer than servers take: most refuse one of 8 KiB.
inline constexpr size_t kMaxFetchUrlBytes = 32'768;
// As browsers have it.
inline constexpr size_t kMostRedirects = 20;
// Of one answer, those of the 1xx before it included.
inline constexpr size_t kMostHeaderLines = 300;
inline constexpr size_t kMostHeaderBytes = 65'536;

// Of a Content-Type; a longer one is none.
inline constexpr size_t kMaxCharsetBytes = 64;

// Under way at a time; more wait for a place in the socket process.
inline constexpr size_t kMostFetches = 64;
// Of them from one host and port, so that one that is silent leaves places for others.
inline constexpr size_t kMostFetchesPerHost = 16;
inline constexpr size_t kMostWaitingFetches = 1024;
// What the parent gives the socket process at a time: an actor with more calls unanswered handles
// nothing else (ActorOptions::max_unanswered). The rest waits in the parent, and more than those
// are refused.
inline constexpr size_t kMostSentFetches = 256;
inline constexpr size_t kMostKeptFetches = 8192;
// Connections to one host and port.
inline constexpr long kMostConnectionsPerHost = 6;

// Milliseconds count; at most an hour each.
struct FetchPatience {
  // To a connection with all that it is made of: the name's address, TCP, TLS. Of each hop.
  absl::Duration connect = absl::Seconds(10);
  // In which a server has to send kFewestBytes, its answer's headers counted. It is looked at once
  // in that time, so who falls silent is left after twice as long at most.
  absl::Duration silence = absl::Seconds(10);
  // From the request to the last byte, redirects and the wait for a place included.
  absl::Duration whole = absl::Seconds(60);
};
inline constexpr uint64_t kFewestBytes = 100;

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_FETCH_BOUNDS_H_
