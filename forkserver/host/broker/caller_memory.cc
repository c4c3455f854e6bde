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
  const iovec local = {.iov_base = bytes, .iov_len = size};
  const iovec remote = Remote(address, size);
  const ssize_t read = process_vm_readv(tid, &local, 1, &remote, 1, 0);
  if (read < 0) return errno;
  return static_cast<size_t>(read) == size ? 0 : EFAULT;
}

int WriteBytes(pid_t tid, uint64_t address, const void* bytes, size_t size) {
  const iovec local = {.iov_base = const_cast<void*>(bytes), .iov_len = size};
  const iovec remote = Remote(address, size);
  const ssize_t written = process_vm_writev(tid, &local, 1, &remote, 1, 0);
  if (written < 0) return errno;
  return static_cast<size_t>(written) == size ? 0 : EFAULT;
}

}  // namespace forkserver
