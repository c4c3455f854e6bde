#include "preload/freeze/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "preload/freeze/freeze_decision.h"
#include "preload/freeze/freeze_engine.h"
#include "preload/freeze/frozen_memory.h"
#include "preload/freeze/glibc_allocator.h"
#include "preload/freeze/huge_pages.h"
#include "preload/freeze/memory_mapping.h"
#include "preload/single_thread.h"
#include "preload/thread_block.h"
#include "transceiver/clock.h"
#include "transceiver/raw_syscall.h"
#include "transceiver/read_text.h"

namespace forkserver {
namespace {

// Linux allows 65530 unless told otherwise (vm.max_map_count); who has more is not frozen.
constexpr size_t kMostMappings = 66'000;
constexpr size_t kSmallestPage = 4096;

// All that is written while memory is frozen, the stack aside. Only what is used takes memory.
struct WorkMemory {
  FreezeWork engine;
  size_t mapping_count;
  MemoryMapping mappings[kMostMappings];
  LeaveOutReason reasons[kMostMappings];
  FreezeItem items[kMostMappings + 1];  // the thread's block parts one in two
  FrozenPiece pieces[kMostMappings];
  uint64_t scan_entries[kFreezeChunk / kSmallestPage];
  uint64_t chunk_entries[kFreezeChunk / kSmallestPage];
  char text[1 << 16];
};

// Where the freeze stands between its first open and its last close. Everything is undone by
// system calls alone: a call to libc, bound lazily, would write to memory that is just frozen.
class FreezeSession {
 public:
  explicit FreezeSession(FreezeReport& report) : report_(report) {}
  FreezeSession(const FreezeSession&) = delete;
  FreezeSession& operator=(const FreezeSession&) = delete;
  ~FreezeSession();

  bool Open(int proc_self);
  bool ReadMappings();
  void ChooseItems(ThreadBlockPages block);
  bool Run();

 private:
  bool Fail(FreezeStep step, int error) {
    report_.stopped_at = step;
    report_.error = error;
    return false;
  }
  bool MapWorkMemory();
  bool CreateFile();
  FreezePlaces Places(ThreadBlockPages block) const;
  bool Continues(size_t mapping, uintptr_t start) const;
  void AddItem(size_t mapping, uintptr_t start, uintptr_t end);

  FreezeReport& report_;
  WorkMemory* work_ = nullptr;
  size_t page_size_ = static_cast<size_t>(getpagesize());
  char* window_ = nullptr;  // with the spare mappings behind it
  int memfd_ = -1;
  int pagemap_ = -1;
  int smaps_ = -1;
  uint64_t old_signals_ = 0;
  bool signals_blocked_ = false;
  rlimit file_size_ = {};
  bool file_size_raised_ = false;
};

constexpr size_t kSpareMappings = 16;
constexpr size_t kWindowBytes = kFreezeChunk + kHugePage;

void* MapAnonymous(size_t size, int protection) {
  void* const address =
      mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return address == MAP_FAILED ? nullptr : address;
}

bool FreezeSession::MapWorkMemory() {
  void* const work = MapAnonymous(sizeof(WorkMemory), PROT_READ | PROT_WRITE);
  if (work == nullptr) return false;
  work_ = static_cast<WorkMemory*>(work);
  if (madvise(work, sizeof(WorkMemory), MADV_DONTFORK) != 0) return false;
  const size_t spare_size = kSpareMappings * page_size_;
  window_ = static_cast<char*>(MapAnonymous(kWindowBytes + spare_size, PROT_NONE));
  if (window_ == nullptr) return false;
  char* const spare = window_ + kWindowBytes;
  // Neighbours of different protection are mappings of their own.
  for (size_t i = 0; i < kSpareMappings; i += 2) {
    if (mprotect(spare + i * page_size_, page_size_, PROT_READ) != 0) return false;
  }
  work_->engine.spare_mappings = spare;
  work_->engine.spare_size = spare_size;
  const uintptr_t window = reinterpret_cast<uintptr_t>(window_);
  work_->engine.collapse_window =
      window_ + (((window + kHugePage - 1) & ~(kHugePage - 1)) - window);
  return true;
}

bool FreezeSession::CreateFile() {
  memfd_ = memfd_create(kFrozenMemoryName, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memfd_ < 0) return Fail(FreezeStep::kCreateFile, errno);
  // Beyond the limit, ftruncate would not only fail but send SIGXFSZ. The limit is on offsets, not
  // on memory, so that a large sparse file needs it raised.
  if (getrlimit(RLIMIT_FSIZE, &file_size_) != 0) return Fail(FreezeStep::kSizeFile, errno);
  if (file_size_.rlim_cur < kFrozenFileSize) {
    if (file_size_.rlim_max < kFrozenFileSize) return Fail(FreezeStep::kSizeFile, EFBIG);
    const rlimit raised = {.rlim_cur = file_size_.rlim_max, .rlim_max = file_size_.rlim_max};
    if (setrlimit(RLIMIT_FSIZE, &raised) != 0) return Fail(FreezeStep::kSizeFile, errno);
    file_size_raised_ = true;
  }
  if (ftruncate(memfd_, static_cast<off_t>(kFrozenFileSize)) != 0) {
    return Fail(FreezeStep::kSizeFile, errno);
  }
  return true;
}

bool FreezeSession::Open(int proc_self) {
  if (page_size_ < kSmallestPage || page_size_ > kHugePage) {
    return Fail(FreezeStep::kMachine, 0);
  }
  if (!MapWorkMemory()) return Fail(FreezeStep::kWorkMemory, errno);
  smaps_ = OpenInOwnProc(proc_self, "smaps", O_RDONLY);
  if (smaps_ < 0) return Fail(FreezeStep::kReadMappings, errno);
  pagemap_ = OpenInOwnProc(proc_self, "pagemap", O_RDONLY);
  if (pagemap_ < 0) return Fail(FreezeStep::kReadPages, errno);
  if (!CreateFile()) return false;
  const uint64_t all_signals = ~uint64_t{0};
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, &old_signals_, sizeof(old_signals_));
  signals_blocked_ = true;
  return true;
}

bool FreezeSession::ReadMappings() {
  SmapsReader reader(smaps_, work_->text);
  int result = SmapsReader::kMapping;
  while (work_->mapping_count < kMostMappings &&
         (result = reader.Next(work_->mappings[work_->mapping_count])) == SmapsReader::kMapping) {
    ++work_->mapping_count;
  }
  if (result == SmapsReader::kMapping) return Fail(FreezeStep::kReadMappings, EOVERFLOW);
  return result == SmapsReader::kEnd || Fail(FreezeStep::kReadMappings, -result);
}

// The pages with the thread's control block stay as they are: the kernel writes rseq's fields there
// whenever the thread is scheduled, and libc errno. Frozen, that would be a write to frozen memory
// after every launch.
FreezePlaces FreezeSession::Places(ThreadBlockPages block) const {
  const auto [start, end] = ThreadBlock::Find().extent();
  const uintptr_t work = reinterpret_cast<uintptr_t>(work_);
  return {.stack_pointer = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)),
          .instruction = FreezeEngineCode(),
          .work_start = work,
          .work_end = work + sizeof(WorkMemory),
          .thread_block_start = block == ThreadBlockPages::kFrozen ? 0 : start & ~(page_size_ - 1),
          .thread_block_end =
              block == ThreadBlockPages::kFrozen ? 0 : (end + page_size_ - 1) & ~(page_size_ - 1)};
}

// .bss behind .data, and the parts of the heap that earlier forks have left: those are never grown
// by mremap.
bool FreezeSession::Continues(size_t index, uintptr_t start) const {
  if (work_->engine.item_count == 0) return false;
  const FreezeItem& before = work_->items[work_->engine.item_count - 1];
  const MemoryMapping& mapping = work_->mappings[index];
  if (before.end != start || before.protection != mapping.protection || mapping.file_backed) {
    return false;
  }
  constexpr char kHeap[] = "[heap]";
  const auto is_heap = [&](const MemoryMapping& one) { return strcmp(one.name, kHeap) == 0; };
  return before.file_backed || (is_heap(mapping) && is_heap(work_->mappings[before.mapping]));
}

void FreezeSession::AddItem(size_t index, uintptr_t start, uintptr_t end) {
  if (start >= end) return;
  const MemoryMapping& mapping = work_->mappings[index];
  work_->items[work_->engine.item_count++] = {
      .start = start,
      .end = end,
      .protection = mapping.protection,
      .file_backed = mapping.file_backed,
      .no_reserve = (mapping.flags & kNoReserve) != 0,
      .continues = Continues(index, start),
      .anonymous_bytes = mapping.anonymous_bytes + mapping.swapped_bytes,
      .mapping = static_cast<uint32_t>(index),
      .outcome = LeaveOutReason::kNone};
}

void FreezeSession::ChooseItems(ThreadBlockPages block) {
  const FreezePlaces places = Places(block);
  for (size_t i = 0; i < work_->mapping_count; ++i) {
    const MemoryMapping& mapping = work_->mappings[i];
    work_->reasons[i] = DecideMapping(mapping, places);
    if (work_->reasons[i] != LeaveOutReason::kNone) continue;
    AddItem(i, mapping.start, std::clamp(places.thread_block_start, mapping.start, mapping.end));
    AddItem(i, std::clamp(places.thread_block_end, mapping.start, mapping.end), mapping.end);
  }
}

bool FreezeSession::Run() {
  FreezeWork& engine = work_->engine;
  engine.page_size = page_size_;
  engine.memfd = memfd_;
  engine.pagemap = pagemap_;
  engine.items = work_->items;
  engine.pieces = work_->pieces;
  engine.piece_capacity = kMostMappings;
  engine.scan_entries = work_->scan_entries;
  engine.chunk_entries = work_->chunk_entries;
  const bool frozen = RunFreeze(engine);
  for (size_t i = 0; i < engine.item_count; ++i) {
    if (engine.items[i].outcome != LeaveOutReason::kNone) {
      work_->reasons[engine.items[i].mapping] = engine.items[i].outcome;
    }
  }
  for (size_t i = 0; i < work_->mapping_count; ++i) {
    const LeaveOutReason reason = work_->reasons[i];
    if (reason == LeaveOutReason::kNone || reason == LeaveOutReason::kNothingToDo ||
        reason == LeaveOutReason::kOwnMemory) {
      continue;
    }
    const MemoryMapping& mapping = work_->mappings[i];
    report_.AddLeftOut(reason, mapping.name, mapping.anonymous_bytes + mapping.swapped_bytes);
  }
  report_.still_frozen_bytes = engine.still_frozen_bytes;
  if (!frozen) return Fail(engine.stopped_at, engine.error);
  report_.method = FreezeMethod::kMemfd;
  report_.bytes = engine.bytes;
  report_.mappings = static_cast<uint32_t>(engine.piece_count);
  report_.collapsed_bytes = engine.collapsed_bytes;
  return true;
}

FreezeSession::~FreezeSession() {
  if (file_size_raised_) RawSyscall(SYS_prlimit64, 0, RLIMIT_FSIZE, &file_size_, nullptr);
  for (const int fd : {memfd_, pagemap_, smaps_}) {
    if (fd >= 0) RawSyscall(SYS_close, fd);
  }
  if (window_ != nullptr) {
    RawSyscall(SYS_munmap, window_, kWindowBytes + kSpareMappings * page_size_);
  }
  if (work_ != nullptr) RawSyscall(SYS_munmap, work_, sizeof(WorkMemory));
  if (signals_blocked_) {
    RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, &old_signals_, nullptr, sizeof(old_signals_));
  }
}

// Frozen memory is a private mapping of a file, which core dumps leave out unless told. 0 or errno.
int WidenCoreDumps(int proc_self) {
  constexpr unsigned kDefaultAndPrivateFiles = 0x37;  // core(5)
  const int fd = OpenInOwnProc(proc_self, "coredump_filter", O_RDWR);
  if (fd < 0) return errno;
  char text[32] = {};
  int error = 0;
  unsigned filter = 0;
  if (const long got = ReadText(fd, text, sizeof(text) - 1); got < 0) {
    error = static_cast<int>(-got);
  } else if (sscanf(text, "%x", &filter) != 1) {
    error = EIO;
  } else {
    const int size = snprintf(text, sizeof(text), "0x%x", filter | kDefaultAndPrivateFiles);
    ssize_t written = pwrite(fd, text, static_cast<size_t>(size), 0);
    // Of a part of it the kernel has made another number.
    if (written >= 0 && written < size) written = pwrite(fd, text, static_cast<size_t>(size), 0);
    if (written != size) error = written < 0 ? errno : EIO;
  }
  close(fd);
  return error;
}

// What forbids a freeze from the start, and its fallback too.
FreezeStep Forbidden(const FreezeOptions& options) {
#if defined(__has_feature)
#define FORKSERVER_HAS_FEATURE(feature) __has_feature(feature)
#else
#define FORKSERVER_HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || FORKSERVER_HAS_FEATURE(address_sanitizer)
  return FreezeStep::kAddressSanitizer;
#elif defined(__SANITIZE_THREAD__) || FORKSERVER_HAS_FEATURE(thread_sanitizer)
  return FreezeStep::kThreadSanitizer;
#endif
  if (options.method == FreezeMethod::kOff) return FreezeStep::kNotAsked;
  return CheckSingleThreaded(options.proc_self).ok() ? FreezeStep::kDone
                                                     : FreezeStep::kSingleThread;
}

void TryToFreeze(const FreezeOptions& options, FreezeReport& report) {
#if !defined(__x86_64__)
  // RawSyscall calls libc elsewhere.
  report.stopped_at = FreezeStep::kMachine;
#else
  if (!UsesGlibcAllocator()) {
    report.stopped_at = FreezeStep::kAllocator;
    return;
  }
  UseUpFreeBlocks();
  report.coredump_filter_error = WidenCoreDumps(options.proc_self);
  FreezeSession session(report);
  if (!session.Open(options.proc_self)) return;
  if (!session.ReadMappings()) return;
  session.ChooseItems(options.thread_block);
  session.Run();
#endif
}

}  // namespace

FreezeReport FreezeMemory(const FreezeOptions& options) {
  FreezeReport report;
  report.started_at = NowNanos();
  // Whatever comes of the freeze; and before it, since it writes to malloc's state.
  if (options.method == FreezeMethod::kMemfd) ReleaseAllocatorAfterFreeze();
  report.stopped_at = Forbidden(options);
  if (report.stopped_at != FreezeStep::kDone) {
    if (report.stopped_at == FreezeStep::kSingleThread) report.error = EBUSY;
    return report;
  }
  if (options.method == FreezeMethod::kMemfd) {
    TryToFreeze(options, report);
  } else {
    report.stopped_at = FreezeStep::kNotAsked;
  }
  if (!report.frozen()) {
    report.collapsed_bytes = CollapseAnonymousMemory(options.proc_self);
    report.method = FreezeMethod::kAnonymousHugePages;
  }
  report.nanos = NowNanos() - report.started_at;
  return report;
}

}  // namespace forkserver
