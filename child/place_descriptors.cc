#include "child/place_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

// The numbers that will be open, sorted, in memory of the caller's.
class NumberSet {
 public:
  explicit NumberSet(std::span<int> room) : numbers_(room.data()) {}

  // False: it was there already.
  bool Insert(int number) {
    if (Contains(number)) return false;
    // Down to its place by swaps: a loop that moves is made a call of libc's memmove.
    numbers_[size_] = number;
    for (size_t i = size_++; i > 0 && numbers_[i] < numbers_[i - 1]; --i) {
      std::swap(numbers_[i], numbers_[i - 1]);
    }
    return true;
  }
  bool Contains(int number) const { return std::binary_search(numbers_, numbers_ + size_, number); }
  const int* begin() const { return numbers_; }
  const int* end() const { return numbers_ + size_; }

 private:
  int* const numbers_;
  size_t size_ = 0;
};

bool IsReceived(DescriptorList& received, int number) {
  for (size_t i = 0; i < received.size(); ++i) {
    if (received.get(i) == number) return true;
  }
  return false;
}

// A duplicate of `fd` at a number that is no target. Returns it, or minus errno.
int DuplicateAside(int fd, const NumberSet& targets) {
  int lowest = 3;
  for (;;) {
    const int copy = static_cast<int>(RawSyscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, lowest));
    if (copy < 0 || !targets.Contains(copy)) return copy;
    RawSyscall(SYS_close, copy);
    lowest = copy + 1;
  }
}

int SetOnExec(int fd, OnExec on_exec) {
  const int flags = on_exec == OnExec::kClose ? FD_CLOEXEC : 0;
  return static_cast<int>(-RawSyscall(SYS_fcntl, fd, F_SETFD, flags));
}

FORKSERVER_LAUNCH_PATH int PlaceOne(const PlannedDescriptor& entry, int source) {
  const int target = static_cast<int>(entry.target);
  if (source == target) return SetOnExec(target, entry.on_exec);
  const int flags = entry.on_exec == OnExec::kClose ? O_CLOEXEC : 0;
  long result;
  do {
    result = RawSyscall(SYS_dup3, source, target, flags);
  } while (result == -EINTR || result == -EBUSY);  // EBUSY: dup(2), a race with open
  return result < 0 ? static_cast<int>(-result) : 0;
}

// Closes everything but `kept`. Returns 0 or an errno.
FORKSERVER_LAUNCH_PATH int CloseOthers(const NumberSet& kept) {
  unsigned first = 0;
  for (const int number : kept) {
    const unsigned next = static_cast<unsigned>(number);
    if (first < next) {
      const int error = RawSyscallError(SYS_close_range, first, next - 1, 0);
      if (error != 0) return error;
    }
    first = next + 1;
  }
  return RawSyscallError(SYS_close_range, first, ~0u, 0);
}

}  // namespace

FORKSERVER_LAUNCH_PATH StepFailure PlaceDescriptors(const PlanSection& planned,
                                                    DescriptorList& received,
                                                    UniqueFd& launch_socket,
                                                    std::span<int> scratch) {
  const auto failure = [](uint32_t index, int error) {
    return StepFailure{LaunchStep::kDescriptors, error, index};
  };

  // Check everything before anything moves.
  const size_t received_count = received.size();
  NumberSet targets(scratch.subspan(received_count));
  ByteReader in = planned.reader();
  for (uint32_t i = 0; i < planned.count; ++i) {
    const PlannedDescriptor entry = ReadPlannedDescriptor(in);
    if (entry.target > INT_MAX) return failure(i, EBADF);
    const int target = static_cast<int>(entry.target);
    if (entry.on_exec > OnExec::kInherit || !targets.Insert(target)) return failure(i, EINVAL);
    if (entry.source == PlannedDescriptor::kTemplatesOwn) {
      // A number that was free in the template may have been given to what has just arrived.
      if (IsReceived(received, target) || target == launch_socket.get()) return failure(i, EBADF);
      const long flags = RawSyscall(SYS_fcntl, target, F_GETFD);
      if (flags < 0) return failure(i, static_cast<int>(-flags));
    } else if (entry.source >= received.size()) {
      return failure(i, EBADF);
    }
  }
  for (int number = 0; number <= STDERR_FILENO; ++number) {
    if (!targets.Contains(number)) {
      return {LaunchStep::kStdio, EBADF, static_cast<uint32_t>(number)};
    }
  }

  // From here on numbers are plain ints: what is overwritten or not kept is closed by number.
  const std::span<int> source_of = scratch.first(received_count);
  for (size_t i = 0; i < received_count; ++i) source_of[i] = received.Take(i).release();
  if (targets.Contains(launch_socket.get())) {
    const int copy = DuplicateAside(launch_socket.get(), targets);
    if (copy < 0) return failure(0, -copy);
    (void)launch_socket.release();
    launch_socket.reset(copy);
  }

  in = planned.reader();
  for (uint32_t i = 0; i < planned.count; ++i) {
    const PlannedDescriptor entry = ReadPlannedDescriptor(in);
    if (entry.source == PlannedDescriptor::kTemplatesOwn) continue;
    int& source = source_of[entry.source];
    if (source != static_cast<int>(entry.target) && targets.Contains(source)) {
      source = DuplicateAside(source, targets);
      if (source < 0) return failure(i, -source);
    }
  }

  in = planned.reader();
  for (uint32_t i = 0; i < planned.count; ++i) {
    const PlannedDescriptor entry = ReadPlannedDescriptor(in);
    const int error = entry.source == PlannedDescriptor::kTemplatesOwn
                          ? SetOnExec(static_cast<int>(entry.target), entry.on_exec)
                          : PlaceOne(entry, source_of[entry.source]);
    if (error != 0) return failure(i, error);
  }

  targets.Insert(launch_socket.get());
  const int error = CloseOthers(targets);
  return error == 0 ? StepFailure{} : failure(kOtherDescriptors, error);
}

}  // namespace forkserver
