// Children under a filter. Use in victims only (VICTIM_TEST), which may be forked from.
//
//     const Filter filter = FilterOf(SandboxPolicyId::kContent, FilterKind::kAlone);
//     EXPECT_EQ(Confined(filter, [] { return Errno(SYS_socket, AF_INET, SOCK_STREAM, 0); }),
//               Exits(EACCES));
#ifndef TESTS_CHILD_SANDBOX_CONFINED_H_
#define TESTS_CHILD_SANDBOX_CONFINED_H_

#include <linux/filter.h>

#include <functional>
#include <string>
#include <vector>

#include "child/sandbox/compile_filter.h"
#include "child/sandbox/sandbox_policy.h"
#include "transceiver/raw_syscall.h"

namespace forkserver::testing {

using Filter = std::vector<sock_filter>;

Filter FilterOf(SandboxPolicyId policy, FilterKind kind);

// A child's last filter as far as the tests need one: no clone3.
Filter WithoutClone3();

// In this thread. The listener's descriptor or 0, or minus errno.
int Attach(const Filter& filter, unsigned flags = 0);

// Forks a child that attaches the filter and then exits with what `deed` returns.
// "exits with 13", "dies of SYS".
std::string Confined(const std::vector<Filter>& filters, const std::function<int()>& deed);
inline std::string Confined(const Filter& filter, const std::function<int()>& deed) {
  return Confined(std::vector<Filter>{filter}, deed);
}
std::string Exits(int status);
inline constexpr char kDiesOfSigsys[] = "dies of SYS";

// 0 or the errno.
template <typename... Arguments>
int Errno(long number, Arguments... arguments) {
  const long result = RawSyscall(number, arguments...);
  return result < 0 && result > -4096 ? static_cast<int>(-result) : 0;
}

}  // namespace forkserver::testing

#endif  // TESTS_CHILD_SANDBOX_CONFINED_H_
