// The way back, for what cannot be frozen: no byte depends on the freeze succeeding. A part of the
// engine: what freeze_engine.h says of its code holds here too.
//
//     MoveBack(work, moved, Protection::kAsItWas);     // what is still aside
//     Thaw(work, first_piece);                         // what is mapped from the memfd
#ifndef PRELOAD_FREEZE_FREEZE_UNDO_H_
#define PRELOAD_FREEZE_FREEZE_UNDO_H_

#include <stddef.h>
#include <stdint.h>

#include "preload/freeze/freeze_engine.h"
#include "preload/freeze/moved_item.h"

namespace forkserver::freeze_engine {
#pragma GCC visibility push(hidden)

// Of the pages aside.
enum class Protection : uint8_t { kAsItWas, kMadeReadable };

void ReleaseSpareMappings(FreezeWork& work);

// What is not done goes back to its place, in one piece and with all that was said about it. Traps
// if the kernel refuses that.
void MoveBack(FreezeWork& work, const MovedItem& moved, Protection protection);

// Makes anonymous memory again of pieces that are mapped from the memfd, the youngest first, until
// `down_to` are left. Where there is no memory for that they stay mapped: their bytes are right.
void Thaw(FreezeWork& work, size_t down_to);

#pragma GCC visibility pop
}  // namespace forkserver::freeze_engine

#endif  // PRELOAD_FREEZE_FREEZE_UNDO_H_
