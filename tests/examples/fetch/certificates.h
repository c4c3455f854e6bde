// Certificates for servers of tests, made when they are needed.
//
//     const TestAuthority authority;
//     WriteFile(ca_file, authority.pem());
//     LoopbackServer server({.identity = authority.Issue({.names = "IP:127.0.0.1,DNS:a.test"})});
//
// What goes wrong ends the program.
#ifndef TESTS_EXAMPLES_FETCH_CERTIFICATES_H_
#define TESTS_EXAMPLES_FETCH_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace browser_host {

struct CertificateOptions {
  std::string names = "IP:127.0.0.1,DNS:localhost";  // subjectAltName
  // From now on, in seconds.
  long valid_from = -3600;
  long valid_until = 3600;
};

// A certificate with its key, PEM.
struct ServerIdentity {
  std::string certificate = {};
  std::string key = {};
};

// Its own authority.
ServerIdentity SelfSigned(const CertificateOptions& options = {});

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "test authority");
  // Its certificate, for a CA file.
  const std::string& pem() const { return pem_; }
  ServerIdentity Issue(const CertificateOptions& options = {}) const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
  std::string pem_;
};

}  // namespace browser_host

#endif  // TESTS_EXAMPLES_FETCH_CERTIFICATES_H_
