// What a freeze did: plain bytes, to be kept on the stack and sent from there.
//
//     const FreezeReport report = FreezeMemory({});
//     if (!report.frozen()) Log(report.WhyNot());     // "not frozen: memfd_create: ENOSYS"
//
// No strings and no vectors, and numbers where there will be words: whoever allocates after the
// freeze writes to the memory that has just been frozen, and pays for it at each fork. So a
// template sends the report as it is, and the receiver makes the sentences (`WhyNot`, `ToString`,
// which allocate).
#ifndef PRELOAD_FREEZE_FREEZE_REPORT_H_
#define PRELOAD_FREEZE_FREEZE_REPORT_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string>

#include "preload/freeze/freeze_decision.h"

namespace forkserver {

enum class FreezeMethod : uint8_t {
  kOff,                 // memory is as it was
  kAnonymousHugePages,  // still anonymous, so with all its semantics, in pages of 2 MiB
  kMemfd,               // frozen
};

// Where a freeze stopped. Numbers travel: new ones go to the end.
enum class FreezeStep : uint8_t {
  kDone,
  kNotAsked,          // by FreezeOptions
  kAddressSanitizer,  // its allocator and shadow do not bear it
  kThreadSanitizer,
  kMachine,       // not x86-64
  kSingleThread,  // another thread runs: EBUSY
  kAllocator,     // malloc is not glibc's
  kWorkMemory,    // mmap of the work memory
  kReadMappings,  // /proc/self/smaps
  kReadPages,     // /proc/self/pagemap
  kCreateFile,    // memfd_create
  kSizeFile,      // ftruncate of the memfd, RLIMIT_FSIZE
  kMoveAside,     // mremap
  kWriteFile,     // pwrite to the memfd
  kMapFile,       // mmap of the memfd
  kSealFile,      // fcntl F_ADD_SEALS
  kCount,
};

struct FreezeReport {
  FreezeMethod method = FreezeMethod::kOff;
  // Why the memory is not frozen: the step that failed and its errno (0 where there is none).
  FreezeStep stopped_at = FreezeStep::kDone;
  int32_t error = 0;
  // The errno of writing /proc/self/coredump_filter: core dumps lack the frozen memory.
  int32_t coredump_filter_error = 0;

  int64_t started_at = 0;        // NowNanos
  int64_t nanos = 0;             // all of it, the fallback too
  uint64_t bytes = 0;            // written to the memfd
  uint32_t mappings = 0;         // pieces that are mapped from it
  uint64_t collapsed_bytes = 0;  // in folios of 2 MiB
  // Of a freeze that failed: what could not be made anonymous again, for lack of memory or of
  // mappings. Its bytes are right; its pages are a file's.
  uint64_t still_frozen_bytes = 0;

  // What is not frozen though it has anonymous pages: one entry for each reason.
  struct LeftOut {
    LeaveOutReason why = LeaveOutReason::kNone;
    uint32_t mappings = 0;
    uint64_t bytes = 0;                              // anonymous ones
    uint64_t largest_bytes = 0;                      // of the largest of them
    char largest[sizeof(MemoryMapping::name)] = {};  // the name of the largest, may be empty
  };
  static constexpr size_t kMostLeftOut = static_cast<size_t>(LeaveOutReason::kCount);
  uint32_t left_out_count = 0;
  LeftOut left_out_entries[kMostLeftOut] = {};

  bool frozen() const { return method == FreezeMethod::kMemfd; }
  std::span<const LeftOut> left_out() const { return {left_out_entries, left_out_count}; }
  void AddLeftOut(LeaveOutReason why, const char* name, uint64_t bytes);

  // "memfd_create: ENOSYS"; empty if frozen.
  std::string WhyNot() const;
  // A line or two for people.
  std::string ToString() const;
};

const char* Describe(FreezeMethod method);
const char* Describe(FreezeStep step);

}  // namespace forkserver

#endif  // PRELOAD_FREEZE_FREEZE_REPORT_H_
