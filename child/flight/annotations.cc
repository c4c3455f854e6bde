#include "child/flight/annotations.h"

#include <algorithm>

#include "child/flight/cut_text.h"

namespace forkserver {
namespace {

std::string_view KeyOf(const Annotation& entry) {
  return std::string_view(
      entry.key, std::find(entry.key, entry.key + Annotation::kKeyBytes, '\0') - entry.key);
}

Annotation* Find(AnnotationTable& table, std::string_view key) {
  for (Annotation& entry : table.entries) {
    const uint32_t state = entry.state.load(std::memory_order_acquire);
    // They are taken in their order.
    if (state == Annotation::kFree) return nullptr;
    if (state != Annotation::kTaken && KeyOf(entry) == key) return &entry;
  }
  return nullptr;
}

Annotation* Take(AnnotationTable& table, std::string_view key) {
  for (Annotation& entry : table.entries) {
    uint32_t free = Annotation::kFree;
    if (!entry.state.compare_exchange_strong(free, Annotation::kTaken)) continue;
    CutText(entry.key, Annotation::kKeyBytes, key);
    return &entry;
  }
  table.lost.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

}  // namespace

void AnnotationTable::Set(std::string_view key, std::string_view value) {
  key = key.substr(0, Annotation::kKeyBytes - 1);
  Annotation* entry = Find(*this, key);
  if (entry == nullptr) entry = Take(*this, key);
  if (entry == nullptr) return;
  CutText(entry->value, Annotation::kValueBytes, value);
  entry->state.store(Annotation::kSet, std::memory_order_release);
}

void AnnotationTable::Clear(std::string_view key) {
  Annotation* const entry = Find(*this, key.substr(0, Annotation::kKeyBytes - 1));
  if (entry != nullptr) entry->state.store(Annotation::kCleared, std::memory_order_release);
}

}  // namespace forkserver
