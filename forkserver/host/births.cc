#include "forkserver/host/births.h"

#include <errno.h>
#include <sys/mman.h>

#include "child/birth_record.h"
#include "forkserver/host/fixed_memfd.h"
#include "transceiver/errno_status.h"

namespace forkserver {

absl::StatusOr<NewBirthRecord> NewBirthRecord::Create() {
  NewBirthRecord made;
  const auto failed = [](const absl::Status& why) -> absl::StatusOr<NewBirthRecord> {
    // EMFILE, ENFILE, ENOMEM.
    if (absl::IsResourceExhausted(why)) return why;
    return NewBirthRecord();
  };
  absl::StatusOr<UniqueFd> file = CreateFixedMemfd("births", BirthRecord::kBytes);
  if (!file.ok()) return failed(file.status());
  made.file = *std::move(file);
  if (const int error =
          made.memory.Map(sizeof(BirthRecord), PROT_READ, MAP_SHARED, made.file.get());
      error != 0) {
    return failed(ErrnoStatus(error, "mmap memfd births"));
  }
  // The seed, and whoever comes of it, could make it writable (mprotect(2)).
  if (madvise(made.memory.bytes().data(), made.memory.bytes().size(), MADV_DONTFORK) != 0) {
    return failed(ErrnoStatus(errno, "madvise DONTFORK memfd births"));
  }
  return made;
}

Births ReadBirths(const Mapping& record) {
  if (record.bytes().empty()) return {};
  const auto& read = *reinterpret_cast<const BirthRecord*>(record.bytes().data());
  return {.request_id = read.request_id, .pid = read.pid, .init = read.init, .maker = read.maker};
}

}  // namespace forkserver
