#include "child/flight/annotations.h"

#include <algorithm>

#include "child/flight/cut_text.h"
#include "transceiver/raw_bytes.h"

namespace forkserver {
namespace {

// As it is kept, and as it is looked for.
std::string_view Cut(std::string_view key) {
  return key.substr(0, std::min(FindByte(key, '\0'), Annotation::kKeyBytes - 1));
}

// Byte by byte and atomic, since somebody may put another key there meanwhile; who has seen the
// same word of state before and after has seen one key.
bool HasKey(Annotation& entry, std::string_view key) {
  for (size_t i = 0; i <= key.size(); ++i) {
    const char wanted = i < key.size() ? key[i] : '\0';
    if (std::atomic_ref<char>(entry.key[i]).load(std::memory_order_relaxed) != wanted) return false;
  }
  return true;
}

void PutKey(Annotation& entry, std::string_view key) {
  for (size_t i = 0; i <= key.size(); ++i) {
    const char byte = i < key.size() ? key[i] : '\0';
    std::atomic_ref<char>(entry.key[i]).store(byte, std::memory_order_relaxed);
  }
}

enum class Change { kMade, kAnothers, kNotThere };

// From kSet to `state`, if it has that key; `word` is what it has then.
Change ChangeFromSet(Annotation& entry, std::string_view key, Annotation::State state,
                     uint32_t& word) {
  word = entry.word.load(std::memory_order_acquire);
  for (;;) {
    const uint32_t before = word;
    const bool is_set = Annotation::StateOf(before) == Annotation::kSet;
    if (!is_set && Annotation::StateOf(before) != Annotation::kChanging) return Change::kNotThere;
    const bool has_key = HasKey(entry, key);
    if (is_set && has_key) {
      const uint32_t wanted = Annotation::WithState(before, state);
      if (!entry.word.compare_exchange_strong(word, wanted, std::memory_order_acq_rel)) continue;
      word = wanted;
      return Change::kMade;
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    word = entry.word.load(std::memory_order_relaxed);
    if (word == before) return has_key ? Change::kAnothers : Change::kNotThere;
  }
}

// A place for a new key, as kTaken; null: there is none.
Annotation* Take(AnnotationTable& table, uint32_t& word) {
  for (Annotation& entry : table.entries) {
    word = entry.word.load(std::memory_order_relaxed);
    const Annotation::State state = Annotation::StateOf(word);
    if (state != Annotation::kFree && state != Annotation::kCleared) continue;
    const uint32_t taken = Annotation::NextWith(word, Annotation::kTaken);
    if (!entry.word.compare_exchange_strong(word, taken, std::memory_order_acq_rel)) continue;
    word = taken;
    return &entry;
  }
  table.lost.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

void PutValue(Annotation& entry, uint32_t word, std::string_view value) {
  CutText(entry.value, Annotation::kValueBytes, value);
  entry.word.store(Annotation::WithState(word, Annotation::kSet), std::memory_order_release);
}

}  // namespace

void AnnotationTable::Set(std::string_view key, std::string_view value) {
  key = Cut(key);
  uint32_t word = 0;
  for (Annotation& entry : entries) {
    switch (ChangeFromSet(entry, key, Annotation::kChanging, word)) {
      case Change::kMade:
        return PutValue(entry, word, value);
      case Change::kAnothers:
        return;  // who sets the same key at this moment
      case Change::kNotThere:
        break;
    }
  }
  Annotation* const entry = Take(*this, word);
  if (entry == nullptr) return;
  PutKey(*entry, key);
  PutValue(*entry, word, value);
}

void AnnotationTable::Clear(std::string_view key) {
  key = Cut(key);
  uint32_t word = 0;
  for (Annotation& entry : entries) ChangeFromSet(entry, key, Annotation::kCleared, word);
}

}  // namespace forkserver
