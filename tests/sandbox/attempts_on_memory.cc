// To make code, and memory of kinds that exploits are fond of.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

constexpr size_t kPage = 4096;
constexpr int kAnswer = 42;
constexpr uint8_t kCode[] = {0xb8, kAnswer, 0, 0, 0, 0xc3};  // mov $42, %eax; ret

void* Map(void* address, size_t size, int protection, int flags, int fd = -1) {
  return mmap(address, size, protection, flags, fd, 0);
}

void* MapPrivate(int protection) {
  return Map(nullptr, kPage, protection, MAP_PRIVATE | MAP_ANONYMOUS);
}

AttemptResult Call(void* code) {
  return DoneIf(reinterpret_cast<int (*)()>(code)() == kAnswer, "another answer");
}

AttemptResult MapWritableCode(const AttemptTargets&) {
  void* const page = MapPrivate(PROT_READ | PROT_WRITE | PROT_EXEC);
  if (page == MAP_FAILED) return Refused("mmap");
  memcpy(page, kCode, sizeof(kCode));
  return Call(page);
}

AttemptResult ProtectAsCode(const AttemptTargets&) {
  void* const page = MapPrivate(PROT_READ | PROT_WRITE);
  if (page == MAP_FAILED) return Refused("mmap");
  memcpy(page, kCode, sizeof(kCode));
  if (mprotect(page, kPage, PROT_READ | PROT_EXEC) != 0) return Refused("mprotect");
  return Call(page);
}

AttemptResult ProtectAsCodeByKey(const AttemptTargets&) {
  void* const page = MapPrivate(PROT_READ | PROT_WRITE);
  if (page == MAP_FAILED) return Refused("mmap");
  memcpy(page, kCode, sizeof(kCode));
  if (syscall(SYS_pkey_mprotect, page, kPage, PROT_READ | PROT_EXEC, -1) != 0) {
    return Refused("pkey_mprotect");
  }
  return Call(page);
}

AttemptResult MapFileTwice(const AttemptTargets&) {
  const UniqueFd file(memfd_create("code", MFD_CLOEXEC));
  if (!file.is_open()) return Refused("memfd_create");
  if (ftruncate(file.get(), kPage) != 0) return Refused("ftruncate");
  void* const writable = Map(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file.get());
  if (writable == MAP_FAILED) return Refused("mmap");
  void* const executable = Map(nullptr, kPage, PROT_READ | PROT_EXEC, MAP_SHARED, file.get());
  if (executable == MAP_FAILED) return Refused("mmap PROT_EXEC");
  memcpy(writable, kCode, sizeof(kCode));
  return Call(executable);
}

AttemptResult AttachExecutable(const AttemptTargets& targets) {
  // SHM_EXEC; glibc has no need of it in shmat.
  const long address = syscall(SYS_shmat, targets.shared_memory, nullptr, 0100000);
  if (address == -1) return Refused("shmat");
  memcpy(reinterpret_cast<char*>(address) + 1024, kCode, sizeof(kCode));
  return Call(reinterpret_cast<char*>(address) + 1024);
}

AttemptResult ReadImpliesExecute(const AttemptTargets&) {
  if (personality(READ_IMPLIES_EXEC) < 0) return Refused("personality");
  void* const page = MapPrivate(PROT_READ | PROT_WRITE);
  if (page == MAP_FAILED) return Refused("mmap");
  memcpy(page, kCode, sizeof(kCode));
  return Call(page);
}

AttemptResult SwitchRandomizationOff(const AttemptTargets&) {
  if (personality(ADDR_NO_RANDOMIZE) < 0) return Refused("personality");
  const int now = personality(0xffffffff);
  return now < 0 ? Refused("personality") : DoneIf((now & ADDR_NO_RANDOMIZE) != 0, "not set");
}

AttemptResult MapNull(const AttemptTargets&) {
  void* const page = Map(nullptr, kPage, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
  if (page == MAP_FAILED) return Refused("mmap");
  return DoneIf(page == nullptr, "nothing at 0");
}

AttemptResult GrowFileMapping(const AttemptTargets&) {
  const UniqueFd file(memfd_create("grown", MFD_CLOEXEC));
  if (!file.is_open()) return Refused("memfd_create");
  if (ftruncate(file.get(), 2 * kPage) != 0) return Refused("ftruncate");
  void* const page = Map(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file.get());
  if (page == MAP_FAILED) return Refused("mmap");
  void* const grown = mremap(page, kPage, 2 * kPage, MREMAP_MAYMOVE);
  if (grown == MAP_FAILED) return Refused("mremap");
  static_cast<volatile char*>(grown)[kPage] = 'x';
  char byte = 0;
  if (pread(file.get(), &byte, 1, kPage) != 1) return Refused("pread64");
  return DoneIf(byte == 'x', "not grown");
}

AttemptResult RemapFilePages(const AttemptTargets&) {
  const UniqueFd file(memfd_create("pages", MFD_CLOEXEC));
  if (!file.is_open()) return Refused("memfd_create");
  if (ftruncate(file.get(), 2 * kPage) != 0) return Refused("ftruncate");
  void* const pages = Map(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file.get());
  if (pages == MAP_FAILED) return Refused("mmap");
  return AnswerOf("remap_file_pages", syscall(SYS_remap_file_pages, pages, kPage, 0, 1, 0));
}

AttemptResult HandleFaults(const AttemptTargets&) {
  const UniqueFd faults(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC)));
  return AnswerOf("userfaultfd", faults.get());
}

AttemptResult HideMemory(const AttemptTargets&) {
  const UniqueFd secret(static_cast<int>(syscall(SYS_memfd_secret, O_CLOEXEC)));
  return AnswerOf("memfd_secret", secret.get());
}

AttemptResult LockMemory(const AttemptTargets&) {
  constexpr size_t kMuch = size_t{16} << 20;
  void* const memory = Map(nullptr, kMuch, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  if (memory == MAP_FAILED) return Refused("mmap");
  // By number: the address sanitizer's mlock does nothing.
  const AttemptResult result = AnswerOf("mlock", syscall(SYS_mlock, memory, kMuch));
  munmap(memory, kMuch);
  return result;
}

AttemptResult MakeMemfd(const AttemptTargets&) {
  const UniqueFd file(memfd_create("harmless", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.is_open()) return Refused("memfd_create");
  return AnswerOf("write", write(file.get(), "x", 1));
}

AttemptResult MapMemory(const AttemptTargets&) {
  volatile char* const page = static_cast<char*>(MapPrivate(PROT_READ | PROT_WRITE));
  if (page == MAP_FAILED) return Refused("mmap");
  *page = 'x';
  return DoneIf(*page == 'x', "not written");
}

constexpr Attempt kAttempts[] = {
    {"map-memory", "Maps a page and writes to it: harmless.", MapMemory},
    {"memfd-create", "Makes a memfd and writes to it: harmless.", MakeMemfd},
    {"mmap-writable-code", "Maps memory that is writable and executable, and runs code there.",
     MapWritableCode},
    {"mprotect-code", "Writes code and makes it executable.", ProtectAsCode},
    {"pkey-mprotect-code", "The same by pkey_mprotect.", ProtectAsCodeByKey},
    {"memfd-code", "Maps a memfd twice, to write code here and to run it there.", MapFileTwice},
    {"shmat-code", "Attaches shared memory as executable (SHM_EXEC), and runs code there.",
     AttachExecutable},
    {"read-implies-exec", "Has all that it maps executable (personality), and runs code there.",
     ReadImpliesExecute},
    {"no-randomization", "Switches the randomization of addresses off (personality).",
     SwitchRandomizationOff},
    {"map-null", "Maps the page at address 0.", MapNull, Needs::kRoot},
    {"grow-file-mapping", "Maps more of a file than was mapped (mremap).", GrowFileMapping},
    {"remap-file-pages", "Maps the pages of a file in another order.", RemapFilePages},
    {"userfaultfd", "Asks to handle its own page faults, the kernel's with them.", HandleFaults,
     Needs::kRoot},
    {"memfd-secret", "Asks for memory that nobody else can look into.", HideMemory},
    {"mlock", "Locks 16 MiB of memory, more than the usual limit.", LockMemory, Needs::kRoot},
};

}  // namespace

std::span<const Attempt> MemoryAttempts() { return kAttempts; }

}  // namespace forkserver::testing
