// A system call that failed, in the parts of the launcher, which has no Status: that would bring
// libraries along.
//
//     if (const FailedCall failed = SetHostAttributes(pid, attributes); failed.happened()) {
//       return Complain(name, failed);          // "browser: prlimit of the host: EPERM"
//     }
#ifndef FORKSERVER_LAUNCHER_FAILED_CALL_H_
#define FORKSERVER_LAUNCHER_FAILED_CALL_H_

namespace forkserver {

struct FailedCall {
  const char* call = nullptr;  // with its object; a literal, or what outlives this
  int error = 0;

  bool happened() const { return call != nullptr; }
};

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_FAILED_CALL_H_
