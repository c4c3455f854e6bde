// A thread of the library's in the embedder's process. It takes no signal: those are for the
// embedder's threads, whose handlers expect to run on them.
//
//     if (!StartThread([this] { Watch(); }, thread_)) return ErrnoStatus(EAGAIN, "pthread_create");
//
// The caller's own mask is what it was, however that goes. Any thread. Not between a fork and
// Ready.
#ifndef FORKSERVER_HOST_START_THREAD_H_
#define FORKSERVER_HOST_START_THREAD_H_

#include <thread>

#include "absl/functional/any_invocable.h"

namespace forkserver {

// Whether it could be made; where not, `thread` is what it was and `body` is gone.
bool StartThread(absl::AnyInvocable<void()> body, std::thread& thread);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_START_THREAD_H_
