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
#include <utility>
#include <vector>

#include "child/birth_record.h"
#include "child/flight/annotations.h"
#include "child/page_recorder.h"
#include "child/process_types.h"
#include "child/ready.h"
#include "child/sandbox/sandbox_report.h"
#include "child/telemetry/telemetry_writer.h"
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
  // Of a template: shared with the host, as long as the process lives. Null: there is none.
  BirthRecord* births = nullptr;
  // What a report of its death will say of it, where its host keeps records.
  Annotations annotations = {};
  // Counts what StartOptions::metrics names, where its host keeps telemetry.
  TelemetryWriter telemetry = {};
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
  // Of a process of this type that is exec'ed: called before it engages its sandbox, or would if it
  // were to have one. For what a forked one has of its template's warm-ups and no sandbox allows
  // afterwards: libraries are loaded here, since most policies have no new code
  // (child/sandbox/phrases.h). What is done here is done without a sandbox, so nothing of it may
  // look at what is not trusted. Descriptors, signals and the parent-death signal are as its Plan
  // says; arguments and environment are not yet. It may allocate, and what it cannot do it keeps
  // for its program to tell. Null: nothing is.
  void (*before_sandbox)() = nullptr;
};

// A row as children use it. Most factories are plain functions (MakeChildProgram): called as such,
// and not through std::function, they are one page less of code for each child.
class ChildProgramEntry {
 public:
  explicit ChildProgramEntry(ChildProgramRow row) : row_(std::move(row)) {
    if (const Plain* const plain = row_.make.target<Plain>()) plain_ = *plain;
  }

  ProcessType type() const { return row_.type; }
  std::unique_ptr<ChildProgram> Make() const { return plain_ != nullptr ? plain_() : row_.make(); }
  void BeforeSandbox() const {
    if (row_.before_sandbox != nullptr) row_.before_sandbox();
  }

 private:
  using Plain = std::unique_ptr<ChildProgram> (*)();

  ChildProgramRow row_;
  Plain plain_ = nullptr;
};

// What a program can be, by process type. Built before the first fork; constant from then on.
class ChildPrograms {
 public:
  ChildPrograms() = default;
  explicit ChildPrograms(std::vector<ChildProgramRow> rows) {
    for (ChildProgramRow& row : rows) entries_.emplace_back(std::move(row));
  }

  // Null: this program has none of that type. No allocation.
  const ChildProgramEntry* Find(ProcessType type) const {
    for (const ChildProgramEntry& entry : entries_) {
      if (entry.type() == type) return &entry;
    }
    return nullptr;
  }

 private:
  std::vector<ChildProgramEntry> entries_;
};

}  // namespace forkserver

#endif  // CHILD_CHILD_PROGRAM_H_
