// The child that a template is making, in memory that it shares with the host: its word of a birth
// for when it does not live to send it.
//
//     pid_t* told = record->Begin(request_id);        // in the template, before its clone
//     clone3({.flags = ... | CLONE_PARENT_SETTID, .parent_tid = told, ...});
//
// The kernel writes the pid while it makes the child, before the child or anybody else can run
// (clone(2), CLONE_PARENT_SETTID): so a template that is killed at any moment has either no child
// for that request, or its pid is here. Where there is no clone3, clone(2) has no room for that
// beside the pidfd, and the template writes the pid itself, right behind the call.
//
// Only the template writes, and the host reads when the template has ended. Children do not have
// the memory (MADV_DONTFORK). A mapping that is left out costs each fork up to 2 us, since the
// kernel copies the tree of mappings whole and takes it out again: so the page has room for what
// else a template keeps from its children.
#ifndef CHILD_BIRTH_RECORD_H_
#define CHILD_BIRTH_RECORD_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <atomic>
#include <span>

namespace forkserver {

struct BirthRecord {
  // Of its file and of its mapping in the template.
  static constexpr size_t kBytes = 4096;

  std::atomic<uint64_t> request_id;
  std::atomic<pid_t> pid;    // in the maker's pid namespace; 0: there is none
  std::atomic<pid_t> init;   // of its children's pid namespace, where it makes one
  std::atomic<pid_t> maker;  // the template as it knows itself; 0: it has not come that far

  // Where the pid is to be written.
  pid_t* Begin(uint64_t id) {
    pid.store(0, std::memory_order_release);
    request_id.store(id, std::memory_order_release);
    return reinterpret_cast<pid_t*>(&pid);
  }
  // What is left of the page, for the template's own use.
  std::span<uint8_t> room() {
    return {reinterpret_cast<uint8_t*>(this + 1), kBytes - sizeof(BirthRecord)};
  }

  pid_t* BeginInit() { return reinterpret_cast<pid_t*>(&init); }
};

// Maps the record that is in the file behind `fd`, which stays the caller's, and enters the calling
// process as its maker. It stays mapped. Returns 0 or an errno. No allocation.
int MapBirthRecord(int fd, BirthRecord*& record);

static_assert(std::atomic<uint64_t>::is_always_lock_free &&
              std::atomic<pid_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<pid_t>) == sizeof(pid_t), "the kernel writes to it");

}  // namespace forkserver

#endif  // CHILD_BIRTH_RECORD_H_
