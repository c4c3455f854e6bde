// The base class of what a child runs, and the table by which a program names its own.
//
//     class Greeter : public forkserver::ChildProgram {
//      public:
//       int Run(forkserver::ChildContext& context) override {
//         context.channel.Send({.type = kGreeting}, ...);
//         return 0;                                         // the exit status
//       }
//     };
//     StartOptions options = {.programs = {{ProcessType::kDummy, MakeChildProgram<Greeter>}}};
//
// A ChildProgram is made after Ready, in the child, on its main thread, which is its only one; it
// may allocate, create threads and do whatever its sandbox allows. The memory is a copy of the
// template's: what warm-ups built is there. When Run returns, stdio is flushed and the process
// ends with _exit: destructors and atexit handlers of the template's image do not run. An
// exception that leaves Run ends the process by std::terminate.
#ifndef CHILD_CHILD_PROGRAM_H_
#define CHILD_CHILD_PROGRAM_H_

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "child/page_recorder.h"
#include "child/process_types.h"
#include "child/ready.h"
#include "child/sandbox/sandbox_report.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/launch_path.h"
#include "transceiver/mini_transceiver.h"

namespace forkserver {

struct ChildContext {
  ProcessType type;
  // The Plan's arguments; a null pointer follows the last. They live as long as the process.
  std::span<char*> argv;
  // The launch socket, from here on the child's first channel: its peer is the host's
  // LaunchedChild.
  MiniTransceiver& channel;
  // The generation that the host had at the launch; empty if it had none.
  const PrefsMap& prefs;
  // What the child told the host when it was ready.
  const ReadyMessage& ready;
  PageRecorder& recorder;
  // Which layers this process has, and why not the others; of level 0 where it is not sandboxed.
  const SandboxReport& sandbox;
};

class ChildProgram {
 public:
  virtual ~ChildProgram() = default;

  // Returns the exit status, 0 to 255 (_exit(2) keeps the low 8 bits).
  virtual int Run(ChildContext& context) = 0;

  // Whether Run calls context.recorder.Started(), before it has done anything that only this child
  // does.
  virtual bool HasStartSteps() const { return false; }
};

using ChildProgramFactory = std::function<std::unique_ptr<ChildProgram>()>;

template <typename Program>
FORKSERVER_LAUNCH_PATH std::unique_ptr<ChildProgram> MakeChildProgram() {
  return std::make_unique<Program>();
}

struct ChildProgramRow {
  ProcessType type;
  ChildProgramFactory make;

  std::unique_ptr<ChildProgram> Make() const { return plain != nullptr ? plain() : make(); }

  // What ChildPrograms finds in `make`, if it is MakeChildProgram or any other function: a call by
  // it is one page less of code for each child.
  using PlainFactory = std::unique_ptr<ChildProgram> (*)();
  PlainFactory plain = nullptr;
};

// What a program can be, by process type. Built before the first fork; constant from then on.
class ChildPrograms {
 public:
  ChildPrograms() = default;
  explicit ChildPrograms(std::vector<ChildProgramRow> rows) : rows_(std::move(rows)) {
    for (ChildProgramRow& row : rows_) {
      using Plain = ChildProgramRow::PlainFactory;
      const Plain* const plain = row.make.target<Plain>();
      row.plain = plain != nullptr ? *plain : nullptr;
    }
  }

  // Null: this program has none of that type. No allocation.
  const ChildProgramRow* Find(ProcessType type) const {
    for (const ChildProgramRow& row : rows_) {
      if (row.type == type) return &row;
    }
    return nullptr;
  }

 private:
  std::vector<ChildProgramRow> rows_;
};

}  // namespace forkserver

#endif  // CHILD_CHILD_PROGRAM_H_
