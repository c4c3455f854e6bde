// Text into a field of fixed size: cut to what fits, and at a NUL, and ended by one. Never
// allocates.
#ifndef CHILD_FLIGHT_CUT_TEXT_H_
#define CHILD_FLIGHT_CUT_TEXT_H_

#include <stddef.h>

#include <algorithm>
#include <string_view>

#include "transceiver/raw_bytes.h"

namespace forkserver {

// The bytes that were put, without the NUL. `room` has `bytes`, one at least.
inline size_t CutText(char* room, size_t bytes, std::string_view text) {
  const size_t size = std::min(FindByte(text, '\0'), bytes - 1);
  CopyBytes(room, text.data(), size);
  room[size] = '\0';
  return size;
}

}  // namespace forkserver

#endif  // CHILD_FLIGHT_CUT_TEXT_H_
