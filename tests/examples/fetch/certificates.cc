#include "tests/examples/fetch/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

namespace browser_host {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

void Check(bool good, const char* what) {
  if (good) return;
  fprintf(stderr, "certificates: %s\n", what);
  abort();
}

template <typename Write>
std::string Pem(Write write) {
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  Check(write(out.get()) == 1, "PEM");
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}

std::string PemOf(const Certificate& certificate) {
  return Pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); });
}

std::string PemOf(const Key& key) {
  return Pem([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Key MakeKey() {
  Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  Check(key != nullptr, "EVP_EC_gen");
  return key;
}

void Extend(X509& certificate, int kind, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()), X509_EXTENSION_free);
  Check(extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1,
        value.c_str());
}

// Not signed yet. `issuer` null: itself.
Certificate Make(const Key& key, const std::string& name, const X509* issuer, long from,
                 long until) {
  Certificate certificate(X509_new(), X509_free);
  uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), until);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(),
                       X509_get_subject_name(issuer != nullptr ? issuer : certificate.get()));
  Check(X509_set_pubkey(certificate.get(), key.get()) == 1, "X509_set_pubkey");
  return certificate;
}

void Sign(X509& certificate, const Key& key) {
  Check(X509_sign(&certificate, key.get(), EVP_sha256()) > 0, "X509_sign");
}

}  // namespace

ServerIdentity SelfSigned(const CertificateOptions& options) {
  const Key key = MakeKey();
  const Certificate made =
      Make(key, "self-signed", nullptr, options.valid_from, options.valid_until);
  Extend(*made, NID_subject_alt_name, options.names);
  Sign(*made, key);
  return {.certificate = PemOf(made), .key = PemOf(key)};
}

TestAuthority::TestAuthority(const std::string& name) : key_(MakeKey()) {
  certificate_ = Make(key_, name, nullptr, -86'400, 86'400);
  Extend(*certificate_, NID_basic_constraints, "critical,CA:TRUE");
  Extend(*certificate_, NID_key_usage, "critical,keyCertSign");
  Sign(*certificate_, key_);
  pem_ = PemOf(certificate_);
}

ServerIdentity TestAuthority::Issue(const CertificateOptions& options) const {
  const Key key = MakeKey();
  const Certificate made =
      Make(key, "server", certificate_.get(), options.valid_from, options.valid_until);
  Extend(*made, NID_subject_alt_name, options.names);
  Extend(*made, NID_ext_key_usage, "serverAuth");
  Sign(*made, key_);
  return {.certificate = PemOf(made), .key = PemOf(key)};
}

}  // namespace browser_host
