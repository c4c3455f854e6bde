// Closing what a stranger has sent, which must not hold up whoever closes it.
//
//     CloseStrangers(fds);                     // of any kind
//     CloseStrangersSocket(std::move(socket)); // our end of a Unix socket whose other end is a
//                                              // stranger's
//
// The last close of a file can wait for as long as whoever made it likes: that of a socket that
// lingers until its data has gone out (SO_LINGER, socket(7)), and that of a Unix socket closes all
// that lies unread in its queue, to any depth. Each close of a file of FUSE, and not only the last,
// waits until its server has answered a flush. What such a descriptor is cannot be told.
//
// So a host has two threads for it. One has a table of descriptors of its own (clone(2) without
// CLONE_FILES) with nothing in it but the strangers', and ends last: where a thread exits, sockets
// do not linger (inet_release of Linux, PF_EXITING). The other one closes them in the host's table.
// The caller waits until that is done, 50 ms at most, so that but for files of FUSE their numbers
// are free when it goes on. What comes behind a file whose server is silent is closed when that
// server answers or ends, as a hostile child does.
//
// It costs some 60 us, and nothing where a socket has nothing unread. Where there can be no first
// thread (clone: EAGAIN), what was received does not linger, and what lies in the queue of a socket
// may, in the second; where there can be no thread at all, here. Any other process closes as
// everybody does.
//
// For a moment there is a copy of every descriptor of the process. What the caller closes before or
// after is closed then and there; another thread's close in that time may not be the last of its
// file. No lock of the process's is lost (fcntl_locking(2)): that is, of its table's.
//
// Threads: any. After a fork: the child has its parent's ClosePlace. It allocates.
#ifndef TRANSCEIVER_CLOSE_STRANGERS_H_
#define TRANSCEIVER_CLOSE_STRANGERS_H_

#include <stdint.h>

#include <span>
#include <utility>

#include "transceiver/unique_fd.h"

namespace forkserver {

// From here on in this process, which must not be one that a sandbox kills for a thread without
// CLONE_FILES; or not any more, in what it forks. kHere at first.
enum class ClosePlace : uint8_t { kHere, kThread };
void SetClosePlace(ClosePlace place);

void CloseStrangers(std::span<UniqueFd> fds);

// Where that is done in threads, it is shut down first, so that nothing more can come.
void CloseStrangersSocket(UniqueFd socket);

// One that came in a message, as long as nobody has taken it.
class StrangersFd : public UniqueFd {
 public:
  StrangersFd() = default;
  // Its owner's own: closed as any.
  StrangersFd(UniqueFd own) : UniqueFd(std::move(own)) {}
  static StrangersFd Received(UniqueFd fd) {
    StrangersFd received(std::move(fd));
    received.was_received_ = true;
    return received;
  }
  StrangersFd(StrangersFd&&) noexcept = default;
  StrangersFd& operator=(StrangersFd&& other) noexcept {
    Close();
    was_received_ = other.was_received_;
    UniqueFd::operator=(std::move(other));
    return *this;
  }
  ~StrangersFd() { Close(); }

 private:
  void Close() {
    if (was_received_) CloseStrangers({static_cast<UniqueFd*>(this), 1});
  }

  bool was_received_ = false;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_CLOSE_STRANGERS_H_
