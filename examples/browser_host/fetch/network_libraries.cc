#include "examples/browser_host/fetch/network_libraries.h"

#include <dlfcn.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

constexpr char kCurl[] = "libcurl.so.4";
constexpr char kSsl[] = "libssl.so.3";
constexpr char kCrypto[] = "libcrypto.so.3";
static_assert(OPENSSL_SHLIB_VERSION == 3, "the headers are of other libraries than those");

struct Libraries {
  CurlFunctions curl;
  OpenSslFunctions openssl;
};

// Null pointers until they are loaded.
constinit Libraries the_libraries;

absl::Status Failed(const char* call, const char* library, const std::string& why) {
  return absl::FailedPreconditionError(
      absl::StrCat(call, " ", library, ": ", forkserver::OneLine(why)));
}

std::string LastError() {
  const char* const error = dlerror();
  return error == nullptr ? "no reason given" : error;
}

absl::StatusOr<void*> Open(const char* library) {
  void* const opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) return Failed("dlopen", library, LastError());
  return opened;
}

absl::StatusOr<void*> FindLoaded(const char* library) {
  void* const found = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (found == nullptr) {
    dlerror();
    return Failed("dlopen", library, absl::StrCat("not what ", kCurl, " has its TLS from"));
  }
  return found;
}

template <typename Function>
absl::Status Find(void* opened, const char* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(opened, name));
  return function != nullptr ? absl::OkStatus() : Failed("dlsym", library, LastError());
}

// They stay open where one of them fails: OpenSSL cannot be unloaded.
absl::Status Load(Libraries& libraries) {
  const absl::StatusOr<void*> curl = Open(kCurl);
  if (!curl.ok()) return curl.status();
  absl::Status found;
#define BROWSER_HOST_FIND(name) \
  found.Update(Find(*curl, kCurl, "curl_" #name, libraries.curl.name));
  BROWSER_HOST_CURL_FUNCTIONS(BROWSER_HOST_FIND)
#undef BROWSER_HOST_FIND

  const absl::StatusOr<void*> ssl = FindLoaded(kSsl);
  if (found.Update(ssl.status()); !found.ok()) return found;
#define BROWSER_HOST_FIND(name) found.Update(Find(*ssl, kSsl, #name, libraries.openssl.name));
  BROWSER_HOST_SSL_FUNCTIONS(BROWSER_HOST_FIND)
#undef BROWSER_HOST_FIND

  const absl::StatusOr<void*> crypto = FindLoaded(kCrypto);
  if (found.Update(crypto.status()); !found.ok()) return found;
#define BROWSER_HOST_FIND(name) found.Update(Find(*crypto, kCrypto, #name, libraries.openssl.name));
  BROWSER_HOST_CRYPTO_FUNCTIONS(BROWSER_HOST_FIND)
#undef BROWSER_HOST_FIND
  return found;
}

}  // namespace

absl::Status LoadNetworkLibraries() {
  static const absl::Status* const loaded = [] {
    Libraries libraries;
    auto* const status = new absl::Status(Load(libraries));
    if (status->ok()) the_libraries = libraries;
    return status;
  }();
  return *loaded;
}

const CurlFunctions& Curl() { return the_libraries.curl; }
const OpenSslFunctions& OpenSsl() { return the_libraries.openssl; }

}  // namespace browser_host
