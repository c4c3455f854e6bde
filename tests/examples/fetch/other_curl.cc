// A libcurl that brings no OpenSSL, as one with another TLS library; its functions are never
// called.
#include "examples/browser_host/fetch/network_libraries.h"

// Under another name here than in the library, since the headers have declared those.
#define OTHER_CURL_FUNCTION(name)                    \
  extern "C" void other_##name() asm("curl_" #name); \
  void other_##name() {}
BROWSER_HOST_CURL_FUNCTIONS(OTHER_CURL_FUNCTION)
