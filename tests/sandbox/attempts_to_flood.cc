// To use things up, as far as the targets say and no further; all is given back.
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

// In pieces, as malloc would: a limit of address space stops it under way.
constexpr size_t kPiece = size_t{8} << 20;

void Touch(char* memory, size_t size) {
  for (size_t at = 0; at < size; at += 4096) static_cast<volatile char*>(memory)[at] = 1;
}

AttemptResult UseMemory(const AttemptTargets& targets) {
  std::vector<void*> pieces;
  AttemptResult result = Done();
  while (pieces.size() * kPiece < targets.memory_bytes) {
    void* const piece =
        mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) {
      result = Refused("mmap");
      break;
    }
    pieces.push_back(piece);
    Touch(static_cast<char*>(piece), kPiece);
  }
  for (void* const piece : pieces) munmap(piece, kPiece);
  return result;
}

// More than any limit of a policy is; untouched, so that it costs the machine nothing, and without
// a promise of the kernel's that it would be there. A limit of data (RLIMIT_DATA) counts it all the
// same.
AttemptResult ReserveMemory(const AttemptTargets&) {
  constexpr size_t kReserved = size_t{1} << 30;
  constexpr size_t kPieces = 32;
  std::vector<void*> pieces;
  AttemptResult result = Done();
  while (pieces.size() < kPieces) {
    void* const piece = mmap(nullptr, kReserved, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (piece == MAP_FAILED) {
      result = Refused("mmap");
      break;
    }
    pieces.push_back(piece);
  }
  for (void* const piece : pieces) munmap(piece, kReserved);
  return result;
}

AttemptResult UseFileMemory(const AttemptTargets& targets) {
  const UniqueFd file(memfd_create("flood", MFD_CLOEXEC));
  if (!file.is_open()) return Refused("memfd_create");
  if (ftruncate(file.get(), static_cast<off_t>(targets.memory_bytes)) != 0) {
    return Refused("ftruncate");
  }
  const std::vector<char> zeros(kPiece);
  for (uint64_t written = 0; written < targets.memory_bytes; written += kPiece) {
    const ssize_t size =
        pwrite(file.get(), zeros.data(), zeros.size(), static_cast<off_t>(written));
    if (size < 0) return Refused("pwrite64");
    if (static_cast<size_t>(size) != kPiece) return Elsewhere("less was written");
  }
  return Done();
}

AttemptResult UseDescriptors(const AttemptTargets& targets) {
  std::vector<UniqueFd> copies;
  while (copies.size() < targets.open_files) {
    UniqueFd copy(dup(STDERR_FILENO));
    if (!copy.is_open()) return Refused("dup");
    copies.push_back(std::move(copy));
  }
  return Done();
}

void* WaitForAll(void* barrier) {
  pthread_mutex_lock(static_cast<pthread_mutex_t*>(barrier));
  pthread_mutex_unlock(static_cast<pthread_mutex_t*>(barrier));
  return nullptr;
}

AttemptResult UseThreads(const AttemptTargets& targets) {
  pthread_mutex_t barrier = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&barrier);
  std::vector<pthread_t> threads;
  AttemptResult result = Done();
  while (threads.size() < targets.threads) {
    pthread_t thread;
    errno = pthread_create(&thread, nullptr, WaitForAll, &barrier);
    if (errno != 0) {
      result = Refused("pthread_create");
      break;
    }
    threads.push_back(thread);
  }
  pthread_mutex_unlock(&barrier);
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  return result;
}

// The children wait for the end of a pipe, so that all are there at once.
AttemptResult UseProcesses(const AttemptTargets& targets) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Refused("pipe2");
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  std::vector<pid_t> children;
  AttemptResult result = Done();
  while (children.size() < targets.children) {
    const pid_t pid = fork();
    if (pid == 0) {
      close(ends[1]);
      char byte;
      _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    if (pid < 0) {
      result = Refused("clone");
      break;
    }
    children.push_back(pid);
  }
  writing.reset();
  for (const pid_t child : children) waitpid(child, nullptr, 0);
  return result;
}

AttemptResult UsePipes(const AttemptTargets&) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Refused("pipe2");
  const UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  return AnswerOf("fcntl F_SETPIPE_SZ", fcntl(writing.get(), F_SETPIPE_SZ, 1 << 20));
}

constexpr Attempt kAttempts[] = {
    {"flood-memory", "Maps and touches memory, as much as the targets say.", UseMemory},
    {"reserve-memory", "Maps 32 GiB that it might write to, and touches none of it.",
     ReserveMemory},
    {"flood-memfd", "Writes as much to a memfd, which limits of address space do not see.",
     UseFileMemory},
    {"flood-descriptors", "Opens descriptors, as many as the targets say.", UseDescriptors},
    {"flood-threads", "Starts threads, as many as the targets say.", UseThreads},
    {"flood-processes", "Forks children, as many as the targets say.", UseProcesses},
    {"grow-pipe", "Has the kernel keep a megabyte for a pipe.", UsePipes},
};

}  // namespace

std::span<const Attempt> FloodAttempts() { return kAttempts; }

}  // namespace forkserver::testing
