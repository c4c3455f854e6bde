#include "examples/browser_host/fetch/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "examples/browser_host/fetch/network_libraries.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace browser_host {
namespace {

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

// A pipe's writer may never come, and a process that waits for it is not Ready.
absl::StatusOr<File> OpenRegular(const std::string& file, const std::string& name) {
  forkserver::UniqueFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat status;
  if (!fd.is_open() || fstat(fd.get(), &status) != 0) return forkserver::ErrnoStatus(errno, name);
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError(name + ": it is no regular file");
  File opened(fdopen(fd.get(), "r"), fclose);
  if (opened == nullptr) return forkserver::ErrnoStatus(errno, name);
  static_cast<void>(fd.release());  // the FILE has it
  return opened;
}

absl::Status LoadFile(const std::string& file, X509_STORE& store) {
  const std::string name = absl::StrCat("CA file ", file);
  const absl::StatusOr<File> in = OpenRegular(file, name);
  if (!in.ok()) return in.status();
  int certificates = 0;
  for (;; ++certificates) {
    const std::unique_ptr<X509, void (*)(X509*)> one(
        OpenSsl().PEM_read_X509_AUX(in->get(), nullptr, nullptr, nullptr), OpenSsl().X509_free);
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
