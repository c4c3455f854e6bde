#include "forkserver/host/start_thread.h"

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <utility>

namespace forkserver {

bool StartThread(absl::AnyInvocable<void()> body, std::thread& thread) {
  // Before it is made: it inherits the mask, and could take one before it has set its own.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool is_started = true;
  try {
    thread = std::thread(std::move(body));
  } catch (const std::system_error&) {
    is_started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return is_started;
}

}  // namespace forkserver
