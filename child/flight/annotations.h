// What a process says of itself, for whoever reads of its death: keys with values.
//
//     context.annotations.Set("url", "https://a.test/");
//     context.annotations.Set("documents", "3");
//     context.annotations.Clear("url");
//
// A table in the process's flight record: set when it changes, read when the process is dead, so
// nothing is formatted or sent for it. A key or value that is too long is cut, and at a NUL. There
// is room for AnnotationTable::kEntries keys at once: a cleared one gives its place back, and one
// that finds no room is counted (AnnotationTable::lost) and dropped. Never allocates, never waits.
//
// Threads: any, and signal handlers. Of two that set or clear the same key at once one counts;
// where it is a new key both may have an entry, of which the first counts. A value that was being
// set when the process died may be half new. After a fork of the process's own: not usable in the
// child.
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

  enum State : uint32_t {
    kFree = 0,
    kTaken = 1,  // by a new key, which is being written
    kSet = 2,
    kCleared = 3,
    kChanging = 4,  // its value is being written
  };
  static constexpr uint32_t kStateBits = 3;
  static constexpr uint32_t kStateMask = (1u << kStateBits) - 1;

  static constexpr State StateOf(uint32_t word) { return static_cast<State>(word & kStateMask); }
  static constexpr uint32_t WithState(uint32_t word, State state) {
    return (word & ~kStateMask) | state;
  }
  // For another key than before.
  static constexpr uint32_t NextWith(uint32_t word, State state) {
    return WithState(word + (1u << kStateBits), state);
  }

  // Its State, and above that how many keys it has had, so that who has looked at a key can tell
  // that it is the same one still.
  std::atomic<uint32_t> word;
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
