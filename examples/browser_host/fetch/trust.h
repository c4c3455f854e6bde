// Whose word about a server's name is taken: the certificates of authorities.
//
// Ownership: shared, by count; the store does not change after Load. Threads: OpenSSL's store has a
// lock of its own. After a fork: usable in both.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_TRUST_H_
#define EXAMPLES_BROWSER_HOST_FETCH_TRUST_H_

#include <openssl/x509.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace browser_host {

// Debian's (package ca-certificates), with those that the machine's owner added.
inline constexpr std::string_view kSystemCaFile = "/etc/ssl/certs/ca-certificates.crt";

using TrustStore = std::shared_ptr<X509_STORE>;

// All certificates of all of the files, which are PEM, each parsed to its end. An error names the
// file: "CA file /x.pem: ENOENT", "CA file /x.pem: no certificate". What is no regular file
// is one. After LoadNetworkLibraries.
absl::StatusOr<TrustStore> LoadTrust(std::span<const std::string> files);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_TRUST_H_
