#include "preload/freeze/freeze_report.h"

#include <string.h>

#include <type_traits>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace forkserver {

static_assert(std::is_trivially_copyable_v<FreezeReport>);

// Called when the memory is frozen: no allocation, and nothing but the report is written.
void FreezeReport::AddLeftOut(LeaveOutReason why, const char* name, uint64_t bytes) {
  LeftOut* entry = left_out_entries;
  LeftOut* const end = left_out_entries + left_out_count;
  while (entry != end && entry->why != why) ++entry;
  if (entry == end) {
    if (left_out_count == kMostLeftOut) return;
    ++left_out_count;
    *entry = {.why = why};
  }
  if (bytes > entry->largest_bytes || entry->mappings == 0) {
    entry->largest_bytes = bytes;
    memcpy(entry->largest, name, sizeof(entry->largest));
  }
  ++entry->mappings;
  entry->bytes += bytes;
}

const char* Describe(FreezeMethod method) {
  switch (method) {
    case FreezeMethod::kOff:
      return "off";
    case FreezeMethod::kAnonymousHugePages:
      return "anonymous huge pages";
    case FreezeMethod::kMemfd:
      return "memfd";
  }
  return "unknown";
}

const char* Describe(FreezeStep step) {
  switch (step) {
    case FreezeStep::kDone:
      return "done";
    case FreezeStep::kNotAsked:
      return "off: not asked for";
    case FreezeStep::kAddressSanitizer:
      return "off: address sanitizer";
    case FreezeStep::kThreadSanitizer:
      return "off: thread sanitizer";
    case FreezeStep::kMachine:
      return "off: not an x86-64 machine";
    case FreezeStep::kSingleThread:
      return "off: more than one thread";
    case FreezeStep::kAllocator:
      return "malloc is not glibc's";
    case FreezeStep::kWorkMemory:
      return "mmap of work memory";
    case FreezeStep::kReadMappings:
      return "read /proc/self/smaps";
    case FreezeStep::kReadPages:
      return "read /proc/self/pagemap";
    case FreezeStep::kCreateFile:
      return "memfd_create";
    case FreezeStep::kSizeFile:
      return "ftruncate of the memfd (RLIMIT_FSIZE)";
    case FreezeStep::kMoveAside:
      return "mremap of a mapping";
    case FreezeStep::kWriteFile:
      return "pwrite to the memfd";
    case FreezeStep::kMapFile:
      return "mmap of the memfd";
    case FreezeStep::kSealFile:
      return "fcntl F_ADD_SEALS";
    case FreezeStep::kCount:
      break;
  }
  return "unknown";
}

std::string FreezeReport::WhyNot() const {
  if (frozen()) return "";
  if (error == 0) return Describe(stopped_at);
  return absl::StrFormat("%s: %s", Describe(stopped_at), ErrnoName(error));
}

std::string FreezeReport::ToString() const {
  std::string text =
      absl::StrFormat("%s in %.1f ms: %d bytes in %d mappings, %d in 2 MiB pages", Describe(method),
                      static_cast<double>(nanos) / 1e6, bytes, mappings, collapsed_bytes);
  if (!frozen()) absl::StrAppendFormat(&text, "; not frozen: %s", WhyNot());
  if (still_frozen_bytes != 0) {
    absl::StrAppendFormat(&text, "; %d bytes are frozen still", still_frozen_bytes);
  }
  if (coredump_filter_error != 0) {
    absl::StrAppendFormat(&text, "; core dumps lack it: coredump_filter: %s",
                          ErrnoName(coredump_filter_error));
  }
  for (const LeftOut& entry : left_out()) {
    absl::StrAppendFormat(&text, "; left out: %s (%d mappings, %d bytes, largest '%s')",
                          Describe(entry.why), entry.mappings, entry.bytes, entry.largest);
  }
  return text;
}

}  // namespace forkserver
