// An owned file descriptor.
//
//     UniqueFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
//     if (!fd.is_open()) return ErrnoStatus(errno, "open /dev/null");
//     read(fd.get(), ...);                       // closed at the end of the scope
//
// Ownership: exactly one UniqueFd owns a descriptor; moving hands it over, `release`
// gives it up. There is no conversion to bool or int, since 0 is a good descriptor.
// Threads: as an int. After a fork: the child has its own copy and its own duty to close.
#ifndef TRANSCEIVER_UNIQUE_FD_H_
#define TRANSCEIVER_UNIQUE_FD_H_

#include <utility>

namespace forkserver {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

  // Closes what is owned and owns `fd` from here on. Closing a descriptor that somebody
  // else has closed is a bug of ours that would hit a stranger's file next: it aborts.
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_UNIQUE_FD_H_
