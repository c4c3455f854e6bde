#include "forkserver/host/broker/caller_memory.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

namespace forkserver {
namespace {

// Never less than the smallest page, so that no chunk reaches over the end of a mapping.
constexpr uint64_t kSmallestPage = 4096;

iovec Remote(uint64_t address, size_t size) {
  return {.iov_base = reinterpret_cast<void*>(address), .iov_len = size};
}

using Move = ssize_t(pid_t tid, const iovec* local, unsigned long local_count, const iovec* remote,
                     unsigned long remote_count, unsigned long flags);

// The kernel may move a part: what is behind it is not there (the next try says so), or comes next.
int MoveAll(Move* move, pid_t tid, uint64_t address, void* bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    const iovec local = {.iov_base = static_cast<char*>(bytes) + done, .iov_len = size - done};
    const iovec remote = Remote(address + done, size - done);
    const ssize_t moved = move(tid, &local, 1, &remote, 1, 0);
    if (moved < 0) return errno;
    if (moved == 0) return EFAULT;
    done += static_cast<size_t>(moved);
  }
  return 0;
}

}  // namespace

int ReadPath(pid_t tid, uint64_t address, std::string& path) {
  path.clear();
  char chunk[kSmallestPage];
  while (path.size() < PATH_MAX) {
    const size_t to_page_end = kSmallestPage - address % kSmallestPage;
    const size_t wanted = std::min<size_t>(to_page_end, PATH_MAX - path.size());
    const iovec local = {.iov_base = chunk, .iov_len = wanted};
    const iovec remote = Remote(address, wanted);
    const ssize_t size = process_vm_readv(tid, &local, 1, &remote, 1, 0);
    if (size < 0) return errno;
    if (size == 0) return EFAULT;
    const size_t length = strnlen(chunk, static_cast<size_t>(size));
    path.append(chunk, length);
    if (length < static_cast<size_t>(size)) return 0;
    address += length;
  }
  return ENAMETOOLONG;
}

int ReadBytes(pid_t tid, uint64_t address, void* bytes, size_t size) {
  return MoveAll(process_vm_readv, tid, address, bytes, size);
}

int WriteBytes(pid_t tid, uint64_t address, const void* bytes, size_t size) {
  return MoveAll(process_vm_writev, tid, address, const_cast<void*>(bytes), size);
}

}  // namespace forkserver
