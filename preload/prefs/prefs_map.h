// The read-only prefs of one generation, as children see them: a map in a sealed memfd.
//
//     PrefsMap prefs;
//     if (int error = PrefsMap::Attach(fd, prefs); error != 0) ...
//     prefs.GetInt("dom.ipc.processCount", 8);
//     for (size_t i = 0; i < prefs.size(); ++i) use(prefs.at(i));     // sorted by name
//
// Nothing is copied in a child: all of them share the pages of the memfd. Attaching checks every
// offset of the map against its size, once, so that look-ups need no checks: a corrupt or
// truncated map is an error there and never a crash later (the seals see to it that it cannot
// change behind the check). Look-up is a binary search: no allocation, no lock.
//
// Ownership: owns the mapping; what look-ups return points into it. Threads: any number at once.
// After a fork: usable in the child.
//
// Format, little-endian, without gaps:
//     u32 magic, version, total bytes, count, string count, name bytes, string bytes, reserved
//     u64 generation
//     u32 name ends[count]            name i is name bytes [ends[i-1], ends[i])
//     u32 string ends[string count]   likewise
//     u32 default values[count]       bool 0 or 1, int, or the number of a string; 0 if none
//     u32 user values[count]
//     u8  flags[count]                PrefType in bits 0-1, then default, user, sticky, locked
//     names, strings
#ifndef PRELOAD_PREFS_PREFS_MAP_H_
#define PRELOAD_PREFS_PREFS_MAP_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "preload/prefs/pref.h"
#include "transceiver/mapping.h"

namespace forkserver {

// A pref as the map has it. Text points into the map.
struct PrefEntry {
  std::string_view name;
  PrefType type = PrefType::kBool;
  bool sticky = false;
  bool locked = false;
  std::optional<PrefValueView> default_value;
  std::optional<PrefValueView> user_value;

  // The user's value, unless there is none or the pref is locked. A locked pref without a
  // default has its user value, since it has no other.
  const PrefValueView& effective() const {
    return user_value && !(locked && default_value) ? *user_value : *default_value;
  }
};

class PrefsMap {
 public:
  static constexpr size_t kMaxBytes = 64 * 1024 * 1024;

  PrefsMap() = default;
  PrefsMap(PrefsMap&& other) noexcept
      : mapping_(std::move(other.mapping_)), layout_(std::exchange(other.layout_, {})) {}
  PrefsMap& operator=(PrefsMap&& other) noexcept {
    mapping_ = std::move(other.mapping_);
    layout_ = std::exchange(other.layout_, {});
    return *this;
  }

  // Maps and checks the sealed memfd `fd`, which stays the caller's. No allocation. Returns 0,
  // EBADMSG for a map that is corrupt, or what MapSealedMemfd returns; after an error `map` is
  // empty.
  static int Attach(int fd, PrefsMap& map);

  // The same over bytes that outlive the map. Returns what is wrong with them, or an empty text.
  static std::string_view Open(std::span<const uint8_t> bytes, PrefsMap& map);

  size_t size() const { return layout_.count; }
  // Counts up with every publication of one store; 0 for a map that is not attached.
  uint64_t generation() const { return layout_.generation; }
  // `index` < size(); sorted by name.
  PrefEntry at(size_t index) const;

  std::optional<PrefEntry> Find(std::string_view name) const;

  // The effective value, or `fallback` where there is no such pref or it has another type.
  bool GetBool(std::string_view name, bool fallback) const;
  int32_t GetInt(std::string_view name, int32_t fallback) const;
  std::string_view GetString(std::string_view name, std::string_view fallback) const;

 private:
  std::string_view NameAt(size_t index) const;
  PrefValueView ValueAt(PrefType type, uint32_t raw) const;
  template <typename T>
  T Get(std::string_view name, T fallback) const;

  // Where things are; all empty for a map that is not attached.
  struct Layout {
    uint64_t generation = 0;
    size_t count = 0;
    const uint32_t* name_ends = nullptr;
    const uint32_t* string_ends = nullptr;
    const uint32_t* default_values = nullptr;
    const uint32_t* user_values = nullptr;
    const uint8_t* flags = nullptr;
    const char* names = nullptr;
    const char* strings = nullptr;
  };

  Mapping mapping_;
  Layout layout_;
};

// The bytes of a map. `entries` are sorted by name, each once, and each with a value of its type.
std::vector<uint8_t> EncodePrefsMap(std::span<const PrefEntry> entries, uint64_t generation);

}  // namespace forkserver

#endif  // PRELOAD_PREFS_PREFS_MAP_H_
