// Brings about ETOOMANYREFS: as long as one of these lives, and until EndFlight, the calling
// thread cannot send descriptors.
//
//     FlightLimit limit;
//     ASSERT_TRUE(limit.reached());
//     ...sends of descriptors fail with ETOOMANYREFS...
//     limit.EndFlight();              // from any thread: they will go through again
//
// The kernel compares a user's descriptors in flight with RLIMIT_NOFILE and lets the privileged
// pass (unix(7)), so this lowers the limit of the process, takes two capabilities from the
// thread, and puts more descriptors on the way than the limit allows. The destructor undoes all.
// The count is the user's in the whole system: after EndFlight another process's descriptors may
// keep it up a little longer, so that a test has to try again rather than once.
#ifndef TESTS_TRANSCEIVER_FLIGHT_LIMIT_H_
#define TESTS_TRANSCEIVER_FLIGHT_LIMIT_H_

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "transceiver/packet.h"

namespace forkserver {

class FlightLimit {
 public:
  FlightLimit() {
    if (CreateSocketPair(flight_) != 0) return;
    const std::vector<int> fds(kMaxDescriptors, flight_.first.get());
    if (SendPacket(flight_.first.get(), Blocking::kNever, {}, {}, fds) != 0) return;

    getrlimit(RLIMIT_NOFILE, &old_limit_);
    const rlimit low = {.rlim_cur = 128, .rlim_max = old_limit_.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &low) != 0) return;

    // The raw call: it is the thread's, and the effective set can be raised again.
    syscall(SYS_capget, &header_, old_capabilities_);
    __user_cap_data_struct capabilities[2] = {old_capabilities_[0], old_capabilities_[1]};
    capabilities[0].effective &= ~((1u << CAP_SYS_ADMIN) | (1u << CAP_SYS_RESOURCE));
    reached_ = syscall(SYS_capset, &header_, capabilities) == 0;
  }
  FlightLimit(const FlightLimit&) = delete;
  FlightLimit& operator=(const FlightLimit&) = delete;
  ~FlightLimit() {
    if (!reached_) return;
    syscall(SYS_capset, &header_, old_capabilities_);
    setrlimit(RLIMIT_NOFILE, &old_limit_);
  }

  bool reached() const { return reached_; }

  void EndFlight() { flight_ = {}; }

 private:
  SocketPair flight_;
  rlimit old_limit_ = {};
  __user_cap_header_struct header_ = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct old_capabilities_[2] = {};
  bool reached_ = false;
};

}  // namespace forkserver

#endif  // TESTS_TRANSCEIVER_FLIGHT_LIMIT_H_
