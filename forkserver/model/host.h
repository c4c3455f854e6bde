// The host of a URL in its one canonical form; url.h says what that is.
//
//     CanonicalHost("B%C3%BCcher.Example")      // "xn--bcher-kva.example"
//     CanonicalHost("0x7f.1")                   // "127.0.0.1"
//     CanonicalHost("[0:0::1]")                 // "[::1]"
//
// Pure, any thread.
#ifndef FORKSERVER_MODEL_HOST_H_
#define FORKSERVER_MODEL_HOST_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace forkserver {

// The error says what is wrong, without the host: the caller names the whole.
absl::StatusOr<std::string> CanonicalHost(std::string_view text);

// Of a canonical host.
bool IsIpAddress(std::string_view host);

// Whether a canonical `host` is `domain` or below it.
bool IsHostWithin(std::string_view host, std::string_view domain);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_HOST_H_
