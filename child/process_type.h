// What kind of process one is, as a number. process_types.h has what goes with it.
//
//     ProcessType::kContent
//
// The enumerators are the rows of process_types.def: there is no other list of them.
#ifndef CHILD_PROCESS_TYPE_H_
#define CHILD_PROCESS_TYPE_H_

#include <stddef.h>
#include <stdint.h>

namespace forkserver {

// The numbers are on the wire: never reuse one.
enum class ProcessType : uint16_t {
#define PROCESS_TYPE(symbol, number, ...) symbol = number,
#include "child/process_types.def"
#undef PROCESS_TYPE
};

inline constexpr size_t kProcessTypeCount = 0
#define PROCESS_TYPE(symbol, number, ...) +1
#include "child/process_types.def"
#undef PROCESS_TYPE
    ;

// Of a blank child, which is nothing yet.
inline constexpr ProcessType kTypeIsOpen = ProcessType::kParent;

}  // namespace forkserver

#endif  // CHILD_PROCESS_TYPE_H_
