#include "bench/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memory>
#include <random>
#include <string>
#include <unordered_map>

#include "absl/strings/str_format.h"

namespace bench {
namespace {

constexpr int64_t kKibPerMib = 1024;
constexpr size_t kValueBytes = 100;
// What an entry comes to (248 bytes measured) and less: the buckets are all made at the start,
// since a map that grows by itself leaves half of its old ones behind.
constexpr size_t kLeastBytesAnEntry = 240;
// About 128 KiB: an eighth of a per cent of the smallest heap.
constexpr size_t kEntriesBetweenLooks = 512;

// A heap that is off by more would make the rows lie.
constexpr int64_t kTolerancePercent = 5;

using Heap = std::unordered_map<std::string, std::string>;

// Children find it where their template left it. Never destroyed: neither ends by returning.
Heap* heap = nullptr;

std::string KeyOf(size_t index) { return absl::StrFormat("a key that is long: %08d", index); }

char FirstByteOf(size_t index) { return static_cast<char>('a' + index % 26); }

// The value of a "Name:   123 kB" line, or 0.
int64_t KibFrom(const char* path, const char* name) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path, "re"), fclose);
  if (file == nullptr) return 0;
  char line[256];
  while (fgets(line, sizeof(line), file.get()) != nullptr) {
    if (strncmp(line, name, strlen(name)) == 0) return atoll(line + strlen(name));
  }
  return 0;
}

}  // namespace

int64_t AnonymousKib() { return KibFrom("/proc/self/status", "RssAnon:"); }

Mebibytes AvailableMemory() { return {KibFrom("/proc/meminfo", "MemAvailable:") / kKibPerMib}; }

absl::Status BuildHeap(Mebibytes size) {
  if (heap != nullptr) return absl::FailedPreconditionError("this process has its heap");
  const int64_t goal = AnonymousKib() + size.count * kKibPerMib;
  heap = new Heap;
  if (size.count == 0) return absl::OkStatus();
  heap->reserve(static_cast<size_t>(size.count) * kKibPerMib * 1024 / kLeastBytesAnEntry);
  while (AnonymousKib() < goal) {
    for (size_t i = 0; i < kEntriesBetweenLooks; ++i) {
      const size_t index = heap->size();
      heap->emplace(KeyOf(index), std::string(kValueBytes, FirstByteOf(index)));
    }
  }
  const int64_t over = AnonymousKib() - goal;
  if (over * 100 > size.count * kKibPerMib * kTolerancePercent) {
    return absl::InternalError(
        absl::StrFormat("a heap of %d MiB is %d KiB too large", size.count, over));
  }
  return absl::OkStatus();
}

bool LookUp(int count, uint64_t seed) {
  if (heap == nullptr || heap->empty()) return false;
  std::mt19937_64 random(seed);
  for (int i = 0; i < count; ++i) {
    const size_t index = random() % heap->size();
    const auto found = heap->find(KeyOf(index));
    if (found == heap->end() || found->second[0] != FirstByteOf(index)) return false;
  }
  return true;
}

}  // namespace bench
