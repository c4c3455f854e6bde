// Runs a seccomp filter as the kernel would, on a call that nobody makes.
#ifndef TESTS_CHILD_SANDBOX_RUN_FILTER_H_
#define TESTS_CHILD_SANDBOX_RUN_FILTER_H_

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

#include <optional>
#include <span>

namespace forkserver::testing {

#if defined(__x86_64__)
inline constexpr uint32_t kNativeArch = AUDIT_ARCH_X86_64;
#else
inline constexpr uint32_t kNativeArch = AUDIT_ARCH_AARCH64;
#endif

// The SECCOMP_RET_ value; nothing for a program that the kernel would not take.
std::optional<uint32_t> RunFilter(std::span<const sock_filter> filter, const seccomp_data& call);

}  // namespace forkserver::testing

#endif  // TESTS_CHILD_SANDBOX_RUN_FILTER_H_
