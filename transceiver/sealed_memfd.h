// Bytes that cannot change any more: a memfd with the seals WRITE, GROW, SHRINK and SEAL.
//
// A receiver of such a descriptor may check the bytes once and trust them from then on: nobody,
// not even the sender, can write to them or cut them short (which would be a SIGBUS). Large
// Plans and generations of prefs travel this way.
//
//     absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("prefs", bytes);      // the sender
//     Mapping mapping;                                                      // the receiver
//     int error = MapSealedMemfd(fd, kMaxBytes, SealedAccess::kRead, mapping);
#ifndef TRANSCEIVER_SEALED_MEMFD_H_
#define TRANSCEIVER_SEALED_MEMFD_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "transceiver/mapping.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// `name` is what /proc/PID/maps shows. Fails as memfd_create(2) and write(2) do; one
// over RLIMIT_FSIZE is EFBIG, and no SIGXFSZ.
absl::StatusOr<UniqueFd> CreateSealedMemfd(std::string_view name, std::span<const uint8_t> bytes);

// The same for bytes that are made in place: too many to be copied.
//
//     absl::StatusOr<UnsealedMemfd> memory = UnsealedMemfd::Create("picture", size);
//     Paint(memory->bytes());
//     absl::StatusOr<UniqueFd> fd = std::move(*memory).Seal();
class UnsealedMemfd {
 public:
  // `size` zero bytes, of which those that are written take memory. Fails as memfd_create(2),
  // ftruncate(2) (EFBIG as above) and mmap(2) do.
  static absl::StatusOr<UnsealedMemfd> Create(std::string_view name, size_t size);

  std::span<uint8_t> bytes() const { return memory_.bytes(); }

  // Unmaps them first: no byte may be written through a mapping that is older than the seals
  // (fcntl(2), F_SEAL_WRITE).
  absl::StatusOr<UniqueFd> Seal() &&;

 private:
  UnsealedMemfd(std::string name, UniqueFd fd, Mapping memory)
      : name_(std::move(name)), fd_(std::move(fd)), memory_(std::move(memory)) {}

  std::string name_;
  UniqueFd fd_;
  Mapping memory_;
};

// The two for memory that one process makes and another fills: an empty memfd that can be sealed,
// and the seals, for `fd`, which stays the caller's. They fail with EBUSY as long as anybody has it
// mapped to be written (fcntl(2), F_SEAL_WRITE).
absl::StatusOr<UniqueFd> CreateMemfd(std::string_view name);
absl::Status SealMemfd(std::string_view name, int fd);

enum class SealedAccess : uint8_t {
  kRead,
  kPrivateCopy,  // writable, and what is written stays in this process
};

// Maps all of `fd`, which stays the caller's. No allocation: usable between fork and Ready.
// Returns 0 or an errno: EPERM not sealed as above, EFBIG more than `max_bytes`, ENODATA empty,
// EINVAL not a memfd, or what fcntl, fstat and mmap say.
int MapSealedMemfd(int fd, size_t max_bytes, SealedAccess access, Mapping& mapping);

}  // namespace forkserver

#endif  // TRANSCEIVER_SEALED_MEMFD_H_
