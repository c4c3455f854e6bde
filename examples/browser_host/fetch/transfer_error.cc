#include "examples/browser_host/fetch/transfer_error.h"

#include <errno.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/fetch/fetch_words.h"
#include "examples/browser_host/fetch/network_libraries.h"
#include "transceiver/errno_status.h"

namespace browser_host {
namespace {

absl::Status ConnectError(CURL* easy) {
  long error = 0;
  Curl().easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
  if (error == ECONNREFUSED) return absl::AbortedError("connection refused");
  return absl::AbortedError(
      error == 0 ? "no connection"
                 : absl::StrCat("no connection: ", forkserver::ErrnoName(static_cast<int>(error))));
}

// The host's name is compared when the certificate is found to be good, and libcurl has no word for
// it here.
absl::Status CertificateError(CURL* easy) {
  long verified = X509_V_ERR_UNSPECIFIED;
  Curl().easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verified);
  return absl::PermissionDeniedError(
      absl::StrCat("certificate: ", verified == X509_V_ERR_UNSPECIFIED
                                        ? std::string("not for this host")
                                        : OpenSsl().X509_verify_cert_error_string(verified)));
}

}  // namespace

absl::Status TransferError(CURL* easy, CURLcode code, std::string_view libcurls_words,
                           const ErrorBounds& bounds) {
  const std::string words = Named(libcurls_words);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return absl::NotFoundError("name not found");
    case CURLE_COULDNT_CONNECT:
      return ConnectError(easy);
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(
          absl::StrCat("no connection within ", Seconds(bounds.connect)));
    case CURLE_PEER_FAILED_VERIFICATION:
      return CertificateError(easy);
    case CURLE_GOT_NOTHING:
      return absl::AbortedError("closed without an answer");
    case CURLE_PARTIAL_FILE:
      return absl::AbortedError("closed in the middle of its body");
    case CURLE_FILESIZE_EXCEEDED:
      return absl::ResourceExhaustedError(absl::StrFormat("more than %d bytes", bounds.body_bytes));
    case CURLE_BAD_CONTENT_ENCODING:
      return absl::DataLossError("packed in a way that is broken or unknown");
    // HTTP/0.9, which is whatever has no status line.
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return absl::DataLossError("no HTTP answer");
    case CURLE_SSL_CONNECT_ERROR:
      return absl::AbortedError(absl::StrCat("TLS: ", words));
    case CURLE_OUT_OF_MEMORY:
      return absl::ResourceExhaustedError("no memory");
    default:
      return absl::AbortedError(words.empty() ? Curl().easy_strerror(code) : words);
  }
}

}  // namespace browser_host
