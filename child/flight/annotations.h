// What a process says of itself, for whoever reads of its death: keys with values.
//
//     context.annotations.Set("url", "https://a.test/");
//     context.annotations.Set("documents", "3");
//     context.annotations.Clear("url");
//
// A table in the process's flight record: set when it changes, read when the process is dead, so
// nothing is formatted or sent for it. A key or value that is too long is cut; a key that finds no
// room is counted (AnnotationTable::lost) and dropped. Never allocates, never waits.
//
// Threads: any; two that set the same new key at once may both have an entry, and the first one's
// counts. A reader of a running process may see a value that is half new: one that is dead is not
// written to any more. After a fork of the process's own: not usable in the child.
#ifndef CHILD_FLIGHT_ANNOTATIONS_H_
#define CHILD_FLIGHT_ANNOTATIONS_H_

#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <string_view>

namespace forkserver {

struct Annotation {
  static constexpr size_t kKeyBytes = 40;     // with its NUL
  static constexpr size_t kValueBytes = 212;  // with its NUL

  enum State : uint32_t { kFree = 0, kTaken = 1, kSet = 2, kCleared = 3 };

  std::atomic<uint32_t> state;
  char key[kKeyBytes];
  char value[kValueBytes];
};
static_assert(sizeof(Annotation) == 256);

struct AnnotationTable {
  static constexpr size_t kEntries = 64;

  std::atomic<uint32_t> lost;  // keys for which there was no room
  Annotation entries[kEntries];

  void Set(std::string_view key, std::string_view value);
  void Clear(std::string_view key);
};

// A process's own table; does nothing where the host keeps no records.
class Annotations {
 public:
  Annotations() = default;
  explicit Annotations(AnnotationTable* table) : table_(table) {}

  void Set(std::string_view key, std::string_view value) const {
    if (table_ != nullptr) table_->Set(key, value);
  }
  void Clear(std::string_view key) const {
    if (table_ != nullptr) table_->Clear(key);
  }

 private:
  AnnotationTable* table_ = nullptr;
};

}  // namespace forkserver

#endif  // CHILD_FLIGHT_ANNOTATIONS_H_
