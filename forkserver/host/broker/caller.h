// Whoever made the call that the broker carries out: a thread of a child, which the kernel holds
// in that call until it is answered.
//
// While it waits its numbers cannot go to anybody else. So what was found by its pid (its memory,
// its descriptors) was its own exactly if StillWaits() says so *afterwards*.
#ifndef FORKSERVER_HOST_BROKER_CALLER_H_
#define FORKSERVER_HOST_BROKER_CALLER_H_

#include <sys/types.h>

namespace forkserver {

class Caller {
 public:
  Caller(pid_t pid, pid_t tid) : pid_(pid), tid_(tid) {}
  virtual ~Caller() = default;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // In the host's pid namespace.
  pid_t pid() const { return pid_; }
  pid_t tid() const { return tid_; }

  // False once it was killed, or somebody else has answered it.
  virtual bool StillWaits() = 0;

  // To be called right before its memory is written to. From then on nobody else answers it soon: a
  // caller that was told ETIMEDOUT uses that memory for something else. False: it must not be.
  virtual bool BeginAnswer() = 0;

 private:
  const pid_t pid_;
  const pid_t tid_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_CALLER_H_
