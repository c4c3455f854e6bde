// libcurl and OpenSSL, loaded by dlopen, so that they are in the processes that fetch and in no
// others: they are 26 shared objects, and each fork of a program that is linked with them pays
// for their mappings (docs/warming-up-real-libraries.md). Their headers are used as ever.
//
//     absl::Status loaded = LoadNetworkLibraries();
//     CURL* const easy = Curl().easy_init();                      // curl_easy_init
//     SSL_CTX* const tls = OpenSsl().SSL_CTX_new(...);
//
// Who loads them: a template, in its warm-up, for all that are forked from it; and a process that
// is exec'ed, before it engages its sandbox (SocketProgram, socket_child.h). The policy `socket`
// could not allow it: whoever takes over a process that may map files as code can write that code
// to a memfd first. So it stays as it is, and no process has a right more than if the program were
// linked with them.
//
// An ABI is a soname's, libcurl.so.4, libssl.so.3 and libcrypto.so.3, so symbols are looked up by
// their names alone (dlsym): the names of versions are each distributor's own (CURL_OPENSSL_4 is
// Debian's), and those libraries have one version of each of these. OpenSSL is the copy that
// libcurl has loaded, since they hand each other pointers; one with another TLS library is refused.
//
// Threads: the first call is the only one in its process; what is loaded is constant, and never
// unloaded. After a fork: as before it, loaded or not.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_NETWORK_LIBRARIES_H_
#define EXAMPLES_BROWSER_HOST_FETCH_NETWORK_LIBRARIES_H_

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "absl/status/status.h"

namespace browser_host {

// With the prefix curl_.
#define BROWSER_HOST_CURL_FUNCTIONS(FUNCTION) \
  FUNCTION(easy_cleanup)                      \
  FUNCTION(easy_getinfo)                      \
  FUNCTION(easy_header)                       \
  FUNCTION(easy_init)                         \
  FUNCTION(easy_setopt)                       \
  FUNCTION(easy_strerror)                     \
  FUNCTION(global_init)                       \
  FUNCTION(multi_add_handle)                  \
  FUNCTION(multi_cleanup)                     \
  FUNCTION(multi_info_read)                   \
  FUNCTION(multi_init)                        \
  FUNCTION(multi_remove_handle)               \
  FUNCTION(multi_setopt)                      \
  FUNCTION(multi_socket_action)               \
  FUNCTION(multi_strerror)                    \
  FUNCTION(slist_append)                      \
  FUNCTION(slist_free_all)

#define BROWSER_HOST_SSL_FUNCTIONS(FUNCTION) \
  FUNCTION(SSL_CTX_free)                     \
  FUNCTION(SSL_CTX_new)                      \
  FUNCTION(SSL_CTX_set1_cert_store)          \
  FUNCTION(SSL_free)                         \
  FUNCTION(SSL_new)                          \
  FUNCTION(TLS_client_method)

#define BROWSER_HOST_CRYPTO_FUNCTIONS(FUNCTION) \
  FUNCTION(ERR_clear_error)                     \
  FUNCTION(ERR_peek_last_error)                 \
  FUNCTION(PEM_read_X509_AUX)                   \
  FUNCTION(RAND_poll)                           \
  FUNCTION(X509_STORE_add_cert)                 \
  FUNCTION(X509_STORE_free)                     \
  FUNCTION(X509_STORE_new)                      \
  FUNCTION(X509_check_purpose)                  \
  FUNCTION(X509_free)                           \
  FUNCTION(X509_verify_cert_error_string)

struct CurlFunctions {
#define BROWSER_HOST_MEMBER(name) decltype(&::curl_##name) name = nullptr;
  BROWSER_HOST_CURL_FUNCTIONS(BROWSER_HOST_MEMBER)
#undef BROWSER_HOST_MEMBER
};

struct OpenSslFunctions {
#define BROWSER_HOST_MEMBER(name) decltype(&::name) name = nullptr;
  BROWSER_HOST_SSL_FUNCTIONS(BROWSER_HOST_MEMBER)
  BROWSER_HOST_CRYPTO_FUNCTIONS(BROWSER_HOST_MEMBER)
#undef BROWSER_HOST_MEMBER
};

// The first call loads them; what came of it is the answer of all others, in the processes that are
// forked afterwards too, so that none tries again in a sandbox. FailedPrecondition, in one line:
//     dlopen libcurl.so.4: libcurl.so.4: cannot open shared object file: No such file or directory
//     dlsym libcurl.so.4: /usr/lib/.../libcurl.so.4: undefined symbol: curl_easy_header
//     dlopen libssl.so.3: not what libcurl.so.4 has its TLS from
absl::Status LoadNetworkLibraries();

// All null, unless LoadNetworkLibraries has said OK.
const CurlFunctions& Curl();
const OpenSslFunctions& OpenSsl();

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_NETWORK_LIBRARIES_H_
