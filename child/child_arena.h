// The memory in which a child receives and keeps its Plan, mapped before the fork so that the
// child needs no allocation and no mmap of its own.
//
// A template maps one and touches its first two pages only, with what it leaves to its children:
// untouched pages cost a fork nothing, and a child pays for those that its own Plan fills. A child
// that becomes a template maps another for its children, since its own holds its arguments.
#ifndef CHILD_CHILD_ARENA_H_
#define CHILD_CHILD_ARENA_H_

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <span>

#include "transceiver/frame.h"
#include "transceiver/mapping.h"

namespace forkserver {

class ChildArena {
 public:
  // For what a template leaves to its children beside its stack. In front, beside the pages that
  // each child touches.
  static constexpr size_t kTemplateRoomBytes = 8192;
  // argv and environment pointers together.
  static constexpr size_t kMaxPointers = 512 * 1024;
  static constexpr size_t kPacketBytes = 1280;

  // Returns 0 or the errno of mmap(2).
  int Map();

  // Where the Plan lands; its strings stay there.
  std::span<uint8_t> plan_buffer() const {
    return mapping_.bytes().subspan(kPlanBuffer, kMaxPayloadBytes);
  }
  // Where the Packet is that receives it: on the same page as most Plans, and not on the stack, of
  // which a child then copies one page only.
  std::span<uint8_t> packet_room() const {
    return mapping_.bytes().subspan(kTemplateRoomBytes, kPacketBytes);
  }
  // For what the child's program receives later.
  std::span<uint8_t> channel_buffer() const {
    return mapping_.bytes().subspan(kChannelBuffer, kMaxPayloadBytes);
  }
  // Room for what a step needs beside a Plan of `plan_bytes`: the argument and environment
  // pointers, which stay, or numbers that are forgotten before those come. A few hundred fit behind
  // the Plan's own bytes, on pages that are there already. Shorter than `count` if that is too
  // much.
  template <typename T>
  std::span<T> Room(size_t plan_bytes, size_t count) const {
    static_assert(sizeof(T) <= sizeof(char*));
    const size_t start = (plan_bytes + alignof(T) - 1) & ~(alignof(T) - 1);
    if (start <= kMaxPayloadBytes && count <= (kMaxPayloadBytes - start) / sizeof(T)) {
      return {reinterpret_cast<T*>(plan_buffer().data() + start), count};
    }
    return {reinterpret_cast<T*>(mapping_.bytes().data() + kLargeRoom),
            std::min(count, kMaxPointers)};
  }
  std::span<uint8_t> template_room() const { return mapping_.bytes().first(kTemplateRoomBytes); }

 private:
  static constexpr size_t kPlanBuffer = kTemplateRoomBytes + kPacketBytes;
  static constexpr size_t kChannelBuffer = kPlanBuffer + kMaxMessageBytes;
  static constexpr size_t kLargeRoom = kChannelBuffer + kMaxMessageBytes;
  static constexpr size_t kBytes = kLargeRoom + kMaxPointers * sizeof(char*);

  Mapping mapping_;
};

}  // namespace forkserver

#endif  // CHILD_CHILD_ARENA_H_
