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
// thread, and puts more descriptors on the way than the limit allows. The count is the user's in
// the whole system, and other tests have thousands on the way: so the thread is another user, by
// its real uid, which nobody else is. Where that is not allowed, other processes' descriptors may
// keep the count up after EndFlight. The destructor undoes all.
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
    // The raw call, as capset below: it is the thread's. Effective and saved uid stay, and with
    // them the capabilities.
    syscall(SYS_setresuid, kUserOfNobody + static_cast<uid_t>(gettid()), kSame, kSame);
    if (CreateSocketPair(flight_) != 0) return;
    const std::vector<int> fds(kMaxDescriptors, flight_.first.get());
    if (SendPacket(flight_.first.get(), Blocking::kNever, {}, {}, fds) != 0) return;

    getrlimit(RLIMIT_NOFILE, &old_limit_);
    const rlimit low = {.rlim_cur = 128, .rlim_max = old_limit_.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &low) != 0) return;

    // The effective set can be raised again.
    syscall(SYS_capget, &header_, old_capabilities_);
    __user_cap_data_struct capabilities[2] = {old_capabilities_[0], old_capabilities_[1]};
    capabilities[0].effective &= ~((1u << CAP_SYS_ADMIN) | (1u << CAP_SYS_RESOURCE));
    reached_ = syscall(SYS_capset, &header_, capabilities) == 0;
  }
  FlightLimit(const FlightLimit&) = delete;
  FlightLimit& operator=(const FlightLimit&) = delete;
  ~FlightLimit() {
    syscall(SYS_setresuid, own_uid_, kSame, kSame);
    if (!reached_) return;
    syscall(SYS_capset, &header_, old_capabilities_);
    setrlimit(RLIMIT_NOFILE, &old_limit_);
  }

  bool reached() const { return reached_; }

  void EndFlight() { flight_ = {}; }

 private:
  static constexpr uid_t kUserOfNobody = 1'000'000'000;
  static constexpr uid_t kSame = static_cast<uid_t>(-1);

  const uid_t own_uid_ = getuid();
  SocketPair flight_;
  rlimit old_limit_ = {};
  __user_cap_header_struct header_ = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct old_capabilities_[2] = {};
  bool reached_ = false;
};

}  // namespace forkserver

#endif  // TESTS_TRANSCEIVER_FLIGHT_LIMIT_H_
