// What a socket process needs once: libcurl and OpenSSL loaded and initialised, the certificates of
// the authorities parsed, the C library's look-up of names tried. In its template, so that the
// processes forked from it have it; one that is exec'ed loads the libraries before its sandbox
// (network_libraries.h), and does the rest itself in there.
//
//     .warm_ups = {{"libcurl", [files] { return WarmUpFetching(files); }}}
//     const absl::StatusOr<TrustStore>& trust = FetchTrust(files);        // in the child
//
// When it returns, no thread is left and no descriptor; docs/warming-up-real-libraries.md says what
// there would be.
//
// One thread. Calling it again with the same files does nothing that takes time.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_WARM_UP_H_
#define EXAMPLES_BROWSER_HOST_FETCH_WARM_UP_H_

#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/fetch/trust.h"

namespace browser_host {

// `ca_files`: beside the system's (trust.h). Without a readable file of each http: works, and
// https: does not; without the libraries neither does, and no other function here may be called. It
// is a warm-up that has failed, and no more.
absl::Status WarmUpFetching(std::span<const std::string> ca_files);

// What was loaded, or why not. WarmUpFetching comes before it.
absl::StatusOr<TrustStore> FetchTrust();

// For each process, after its fork: OpenSSL's generator is seeded anew. It does so by itself where
// it sees another pid than the one that it was seeded in; pids come again.
absl::Status SeedAnew();

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_WARM_UP_H_
