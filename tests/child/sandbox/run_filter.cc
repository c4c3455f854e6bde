#include "tests/child/sandbox/run_filter.h"

#include <string.h>

namespace forkserver::testing {

std::optional<uint32_t> RunFilter(std::span<const sock_filter> filter, const seccomp_data& call) {
  uint32_t accumulator = 0;
  for (size_t at = 0; at < filter.size(); ++at) {
    const sock_filter& instruction = filter[at];
    const uint32_t k = instruction.k;
    const auto jump = [&](bool is_true) { at += is_true ? instruction.jt : instruction.jf; };
    switch (instruction.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (k % 4 != 0 || k + 4 > sizeof(call)) return std::nullopt;
        memcpy(&accumulator, reinterpret_cast<const char*>(&call) + k, 4);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= k;
        break;
      case BPF_JMP | BPF_JA:
        at += k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump(accumulator == k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        jump(accumulator > k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        jump(accumulator >= k);
        break;
      case BPF_RET | BPF_K:
        return k;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace forkserver::testing
