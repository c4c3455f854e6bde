// Why a hop of a fetch failed, in words for the page that says so.
//
//     TransferError(easy, CURLE_COULDNT_CONNECT, "", bounds)   // "connection refused"
#ifndef EXAMPLES_BROWSER_HOST_FETCH_TRANSFER_ERROR_H_
#define EXAMPLES_BROWSER_HOST_FETCH_TRANSFER_ERROR_H_

#include <curl/curl.h>
#include <stddef.h>

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace browser_host {

// What the hop was held against, for the words.
struct ErrorBounds {
  absl::Duration connect = {};
  size_t body_bytes = 0;
};

// `easy` has just ended with `code`, and said `libcurls_words` (CURLOPT_ERRORBUFFER).
absl::Status TransferError(CURL* easy, CURLcode code, std::string_view libcurls_words,
                           const ErrorBounds& bounds);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_TRANSFER_ERROR_H_
