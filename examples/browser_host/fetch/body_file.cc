#include "examples/browser_host/fetch/body_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/write_all.h"

namespace browser_host {

using forkserver::ErrnoStatus;
using forkserver::UniqueFd;

absl::Status BodyFile::Open() {
  if (fd_.is_open()) return absl::OkStatus();
  fd_.reset(memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  return fd_.is_open() ? absl::OkStatus() : ErrnoStatus(errno, "memfd_create body");
}

absl::Status BodyFile::Skip(size_t bytes) {
  if (bytes > max_bytes_ - size_) {
    return absl::ResourceExhaustedError(absl::StrFormat("more than %d bytes", max_bytes_));
  }
  size_ += bytes;
  return absl::OkStatus();
}

absl::Status BodyFile::Append(std::string_view bytes) {
  if (absl::Status fits = Skip(bytes.size()); !fits.ok()) return fits;
  if (absl::Status opened = Open(); !opened.ok()) return opened;
  const int error = forkserver::WriteAll(fd_.get(), bytes);
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "write memfd body");
}

absl::StatusOr<UniqueFd> BodyFile::Seal() {
  if (absl::Status opened = Open(); !opened.ok()) return opened;
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (fcntl(fd_.get(), F_ADD_SEALS, kSeals) != 0) {
    return ErrnoStatus(errno, "fcntl F_ADD_SEALS memfd body");
  }
  size_ = 0;
  return std::move(fd_);
}

void BodyFile::Clear() {
  fd_.reset();
  size_ = 0;
}

}  // namespace browser_host
