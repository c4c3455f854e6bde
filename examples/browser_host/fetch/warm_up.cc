#include "examples/browser_host/fetch/warm_up.h"

#include <netdb.h>
#include <stdlib.h>
#include <time.h>

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/browser_host/fetch/network_libraries.h"

namespace browser_host {
namespace {

struct Warm {
  bool has_globals = false;
  std::vector<std::string> files = {};
  absl::StatusOr<TrustStore> trust = absl::FailedPreconditionError("no CA file is loaded");
};

// A template's, which its children have too.
Warm& TheWarm() {
  static Warm* const warm = new Warm();
  return *warm;
}

// What these libraries take from whoever's environment this is: a file for the keys of all
// connections, which stays open, and other names for hosts.
void ForgetEnvironment() {
  for (const char* name :
       {"SSLKEYLOGFILE", "HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS", "RESOLV_MULTI"}) {
    unsetenv(name);
  }
}

absl::Status WarmUpLibraries() {
  if (absl::Status loaded = LoadNetworkLibraries(); !loaded.ok()) return loaded;
  if (const CURLcode code = Curl().global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK) {
    return absl::InternalError(absl::StrCat("curl_global_init: ", Curl().easy_strerror(code)));
  }
  // A handle and a TLS context, for what is made at the first of each.
  const std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi(Curl().multi_init(),
                                                            Curl().multi_cleanup);
  const std::unique_ptr<CURL, void (*)(CURL*)> easy(Curl().easy_init(), Curl().easy_cleanup);
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls(
      OpenSsl().SSL_CTX_new(OpenSsl().TLS_client_method()), OpenSsl().SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> session(tls ? OpenSsl().SSL_new(tls.get()) : nullptr,
                                                     OpenSsl().SSL_free);
  if (multi == nullptr || easy == nullptr || session == nullptr) {
    return absl::ResourceExhaustedError("libcurl and OpenSSL: no memory");
  }
  return absl::OkStatus();
}

// The first look-ups also try nscd, and libraries that nsswitch.conf names; a sandbox refuses both.
void WarmUpNames() {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo("localhost", "https", &hints, &found) == 0) freeaddrinfo(found);
}

}  // namespace

absl::Status WarmUpFetching(std::span<const std::string> ca_files) {
  Warm& warm = TheWarm();
  // A child's is the host's again.
  ForgetEnvironment();
  if (!warm.has_globals) {
    if (absl::Status done = WarmUpLibraries(); !done.ok()) return done;
    WarmUpNames();
    // Certificates have times, and the C library reads its zone at the first.
    tzset();
    warm.has_globals = true;
  }
  std::vector<std::string> files = {std::string(kSystemCaFile)};
  files.insert(files.end(), ca_files.begin(), ca_files.end());
  if (warm.trust.ok() && warm.files == files) return absl::OkStatus();
  warm.trust = LoadTrust(files);
  warm.files = std::move(files);
  return warm.trust.status();
}

absl::StatusOr<TrustStore> FetchTrust() { return TheWarm().trust; }

absl::Status SeedAnew() {
  if (OpenSsl().RAND_poll() == 1) return absl::OkStatus();
  return absl::InternalError("RAND_poll");
}

}  // namespace browser_host
