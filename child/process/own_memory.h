// What a process says of its own memory: what the kernel cannot know, since it is in the heads of
// malloc and of the program.
//
//     void ReportMemory(MemoryReporter& report) override {               // of a ChildProcess
//       report.Add("explicit/dom/documents", documents_.bytes());
//       report.Add("explicit/images/decoded", images_.bytes());
//     }
//
// Figures are in bytes, and their paths a tree, by `/`: what is under "explicit" was allocated by
// the program, and should be no part of another figure. They are the child's word: who shows them
// puts them through OneLine and adds nothing to them that counts. At most kMostOwnFigures, with
// paths of kMaxFigurePathBytes; what is more is left out and counted. Both sides hold to that.
//
// Asks malloc and the program, and no file: so it works in every sandbox. mallinfo2(3) goes through
// malloc's free lists, and takes its locks.
#ifndef CHILD_PROCESS_OWN_MEMORY_H_
#define CHILD_PROCESS_OWN_MEMORY_H_

#include <stddef.h>
#include <stdint.h>

#include <string_view>
#include <tuple>

#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace forkserver {

inline constexpr size_t kMostOwnFigures = 64;
inline constexpr size_t kMaxFigurePathBytes = 96;

struct OwnFigure {
  Text<kMaxFigurePathBytes> path = {};
  uint64_t bytes = 0;
  auto Fields() { return std::tie(path, bytes); }
};

struct OwnMemory {
  // Of glibc's malloc, mmapped blocks included; 0 of another one.
  uint64_t malloc_arenas = 0;  // what it has of the kernel
  uint64_t malloc_in_use = 0;  // what the program has of that
  uint64_t malloc_free = 0;
  uint32_t left_out = 0;  // figures for which there was no room
  List<OwnFigure, kMostOwnFigures> figures = {};
  auto Fields() { return std::tie(malloc_arenas, malloc_in_use, malloc_free, left_out, figures); }
};

struct GetOwnMemory {
  static constexpr std::string_view kName = "GetOwnMemory";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = OwnMemory;
  auto Fields() { return std::tie(); }
};

class MemoryReporter {
 public:
  // Has malloc's figures.
  MemoryReporter();

  // The same path again is another figure.
  void Add(std::string_view path, uint64_t bytes);

  const OwnMemory& memory() const { return memory_; }

 private:
  OwnMemory memory_;
};

}  // namespace forkserver

#endif  // CHILD_PROCESS_OWN_MEMORY_H_
