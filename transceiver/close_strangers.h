// Closing what a stranger has sent, which must not hold up whoever closes it.
//
//     CloseStrangers(fds);                     // of any kind
//     CloseStrangersSocket(std::move(socket)); // our end of a Unix socket whose other end is a
//                                              // stranger's
//
// The last close of a file can wait for as long as whoever made it likes: that of a socket that
// lingers until its data has gone out (SO_LINGER, socket(7)), that of a file of FUSE until its
// server has answered a flush, and that of a Unix socket closes all that lies unread in its queue,
// to any depth. What such a descriptor is cannot be told.
//
// So a host closes it by the end of a thread that has a table of descriptors of its own
// (unshare(2), CLONE_FILES): that thread is not waited for, and sockets do not linger where a
// thread exits (inet_release of Linux, PF_EXITING). It costs about 30 us, and nothing where a
// socket has nothing unread. Where there can be no such thread (EAGAIN), all is closed
// here: what was received does not linger then, and what lies in the queue of a socket may. Any
// other process closes as everybody does.
//
// Threads: any. After a fork: the child has its parent's ClosePlace. It allocates.
#ifndef TRANSCEIVER_CLOSE_STRANGERS_H_
#define TRANSCEIVER_CLOSE_STRANGERS_H_

#include <stdint.h>

#include <span>
#include <utility>

#include "transceiver/unique_fd.h"

namespace forkserver {

// From here on in this process, which must not be one that a sandbox kills for unshare(2); or not
// any more, in what it forks. kHere at first.
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
    if (was_received_ && is_open()) CloseStrangers({static_cast<UniqueFd*>(this), 1});
  }

  bool was_received_ = false;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_CLOSE_STRANGERS_H_
