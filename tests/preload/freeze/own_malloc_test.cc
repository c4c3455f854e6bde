// A program with a malloc of its own, linked in: nothing is frozen.
#include <stddef.h>
#include <string.h>

#include <atomic>

#include "gtest/gtest.h"
#include "preload/freeze/freeze.h"
#include "preload/freeze/glibc_allocator.h"
#include "tests/preload/freeze/victim.h"

// The sanitizers have one of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

// Hands out memory and never takes it back.
alignas(4096) char pool[256 << 20];
std::atomic<size_t> used = 0;

void* Allocate(size_t alignment, size_t size) {
  const size_t need = (size + 16 + alignment + 15) & ~size_t{15};
  const size_t at = used.fetch_add(need);
  if (at + need > sizeof(pool)) return nullptr;
  const size_t start = (at + 16 + alignment - 1) / alignment * alignment;
  memcpy(pool + start - sizeof(size), &size, sizeof(size));
  return pool + start;
}

}  // namespace

extern "C" {
void* malloc(size_t size) { return Allocate(16, size); }
void free(void*) {}
void* calloc(size_t count, size_t size) { return Allocate(16, count * size); }
void* aligned_alloc(size_t alignment, size_t size) { return Allocate(alignment, size); }
void* memalign(size_t alignment, size_t size) { return Allocate(alignment, size); }
int posix_memalign(void** block, size_t alignment, size_t size) {
  *block = Allocate(alignment, size);
  return 0;
}
void* realloc(void* old, size_t size) {
  void* const block = Allocate(16, size);
  if (old == nullptr || block == nullptr) return block;
  size_t old_size;
  memcpy(&old_size, static_cast<char*>(old) - sizeof(old_size), sizeof(old_size));
  return memcpy(block, old, old_size < size ? old_size : size);
}
}

#endif

namespace forkserver::testing {
namespace {

VICTIM_TEST(OwnMalloc, IsNotTakenForGlibcs) {
  EXPECT_FALSE(UsesGlibcAllocator());
  PrepareAllocatorForFreeze();
  const FreezeReport report = FreezeMemory({});
  EXPECT_EQ(report.method, FreezeMethod::kAnonymousHugePages);
  EXPECT_EQ(report.WhyNot(), "malloc is not glibc's");
}

}  // namespace
}  // namespace forkserver::testing
