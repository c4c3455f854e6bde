#include "examples/browser_host/fetch/trust.h"

#include <errno.h>
#include <stdio.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "examples/browser_host/fetch/network_libraries.h"
#include "transceiver/errno_status.h"

namespace browser_host {
namespace {

absl::Status LoadFile(const std::string& file, X509_STORE& store) {
  const std::string name = absl::StrCat("CA file ", file);
  const std::unique_ptr<FILE, int (*)(FILE*)> in(fopen(file.c_str(), "re"), fclose);
  if (in == nullptr) return forkserver::ErrnoStatus(errno, name);
  int certificates = 0;
  for (;; ++certificates) {
    const std::unique_ptr<X509, void (*)(X509*)> one(
        OpenSsl().PEM_read_X509_AUX(in.get(), nullptr, nullptr, nullptr), OpenSsl().X509_free);
    if (one == nullptr) break;
    if (OpenSsl().X509_STORE_add_cert(&store, one.get()) != 1) {
      OpenSsl().ERR_clear_error();
      return absl::InvalidArgumentError(absl::StrCat(name, ": a certificate that cannot be added"));
    }
    // Reads the extensions, which else each process does when it first looks at this one.
    OpenSsl().X509_check_purpose(one.get(), -1, 0);
  }
  const unsigned long error = OpenSsl().ERR_peek_last_error();
  OpenSsl().ERR_clear_error();
  if (ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": certificate ", certificates + 1, " is malformed"));
  }
  if (certificates == 0) return absl::InvalidArgumentError(absl::StrCat(name, ": no certificate"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TrustStore> LoadTrust(std::span<const std::string> files) {
  TrustStore store(OpenSsl().X509_STORE_new(), OpenSsl().X509_STORE_free);
  if (store == nullptr) return absl::ResourceExhaustedError("X509_STORE_new");
  for (const std::string& file : files) {
    if (absl::Status loaded = LoadFile(file, *store); !loaded.ok()) return loaded;
  }
  return store;
}

}  // namespace browser_host
