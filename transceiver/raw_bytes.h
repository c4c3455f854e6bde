// Moving and looking at bytes without the C library, for the launch path.
//
// libc's memcpy, memset, strnlen and memchr are on pages of their own, with their thresholds on
// another: two or three faults of a fresh child, of 1.5 to 2.5 us each, for a few hundred bytes.
// Elsewhere libc's are faster.
#ifndef TRANSCEIVER_RAW_BYTES_H_
#define TRANSCEIVER_RAW_BYTES_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <string_view>

namespace forkserver {

inline void CopyBytes(void* to, const void* from, size_t count) {
#if defined(__x86_64__)
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
#else
  memcpy(to, from, count);
#endif
}

inline void ClearBytes(void* to, size_t count) {
#if defined(__x86_64__)
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0) : "memory");
#else
  memset(to, 0, count);
#endif
}

// The place of the first `wanted`, or text.size().
inline size_t FindByte(std::string_view text, char wanted) {
  size_t i = 0;
  // Eight at a time: a byte of `x` is zero where the text has `wanted`.
  const uint64_t pattern = 0x0101010101010101u * static_cast<uint8_t>(wanted);
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t x;
    __builtin_memcpy(&x, text.data() + i, 8);
    x ^= pattern;
    if (((x - 0x0101010101010101u) & ~x & 0x8080808080808080u) != 0) break;
  }
  while (i < text.size() && text[i] != wanted) ++i;
  return i;
}

}  // namespace forkserver

#endif  // TRANSCEIVER_RAW_BYTES_H_
