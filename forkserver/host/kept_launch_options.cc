#include "forkserver/host/kept_launch_options.h"

#include <errno.h>
#include <fcntl.h>

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace forkserver {

absl::StatusOr<std::unique_ptr<KeptLaunchOptions>> KeptLaunchOptions::Keep(
    const LaunchOptions& options) {
  auto kept = absl::WrapUnique(new KeptLaunchOptions(options));
  if (absl::Status taken = kept->TakeOver(); !taken.ok()) return taken;
  return kept;
}

absl::Status KeptLaunchOptions::Duplicate(int& fd) {
  UniqueFd duplicate(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!duplicate.is_open()) {
    return ErrnoStatus(errno, absl::StrFormat("fcntl F_DUPFD_CLOEXEC %d", fd));
  }
  fd = duplicate.get();
  duplicates_.push_back(std::move(duplicate));
  return absl::OkStatus();
}

absl::Status KeptLaunchOptions::TakeOver() {
  for (Stdio& stdio : options_.stdio) {
    if (stdio.kind != Stdio::Kind::kDescriptor) continue;
    if (absl::Status status = Duplicate(stdio.fd); !status.ok()) return status;
  }
  for (DescriptorMapping& mapping : options_.descriptors) {
    if (absl::Status status = Duplicate(mapping.fd); !status.ok()) return status;
  }
  // Spans into these vectors' own elements: neither grows afterwards.
  owned_.reserve(options_.first_packets.size());
  packets_.reserve(options_.first_packets.size());
  for (const FirstPacket& packet : options_.first_packets) {
    OwnedPacket& owned = owned_.emplace_back(
        OwnedPacket{.payload = {packet.payload.begin(), packet.payload.end()},
                    .descriptors = {packet.descriptors.begin(), packet.descriptors.end()}});
    for (int& fd : owned.descriptors) {
      if (absl::Status status = Duplicate(fd); !status.ok()) return status;
    }
    packets_.push_back(
        {.frame = packet.frame, .payload = owned.payload, .descriptors = owned.descriptors});
  }
  options_.first_packets = packets_;
  return absl::OkStatus();
}

}  // namespace forkserver
