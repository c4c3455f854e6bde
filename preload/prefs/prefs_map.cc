#include "preload/prefs/prefs_map.h"

#include <errno.h>
#include <string.h>

#include "transceiver/sealed_memfd.h"

namespace forkserver {
namespace {

constexpr uint32_t kMagic = 0x50534B46;  // "FKSP" as bytes
constexpr uint32_t kVersion = 1;

struct Header {
  uint32_t magic;
  uint32_t version;
  uint32_t total_bytes;
  uint32_t count;
  uint32_t string_count;
  uint32_t name_bytes;
  uint32_t string_bytes;
  uint32_t reserved;
  uint64_t generation;
};
static_assert(sizeof(Header) == 40);

constexpr uint8_t kTypeBits = 0x03;
constexpr uint8_t kHasDefault = 0x04;
constexpr uint8_t kHasUser = 0x08;
constexpr uint8_t kSticky = 0x10;
constexpr uint8_t kLocked = 0x20;
constexpr uint8_t kKnownBits = 0x3F;

// Whether the ends never go back and stop at `total`.
bool EndsAreInOrder(const uint32_t* ends, uint32_t count, uint32_t total) {
  uint32_t previous = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (ends[i] < previous) return false;
    previous = ends[i];
  }
  return previous == total;
}

std::string_view Slice(const char* bytes, const uint32_t* ends, size_t index) {
  const uint32_t start = index == 0 ? 0 : ends[index - 1];
  return {bytes + start, ends[index] - start};
}

}  // namespace

int PrefsMap::Attach(int fd, PrefsMap& map) {
  map = PrefsMap();
  Mapping mapping;
  if (const int error = MapSealedMemfd(fd, kMaxBytes, SealedAccess::kRead, mapping); error != 0) {
    return error;
  }
  if (!Open(mapping.bytes(), map).empty()) return EBADMSG;
  map.mapping_ = std::move(mapping);
  return 0;
}

std::string_view PrefsMap::Open(std::span<const uint8_t> bytes, PrefsMap& map) {
  map = PrefsMap();
  if (bytes.size() < sizeof(Header)) return "shorter than its header";
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(Header) != 0) return "not aligned";
  const Header& header = *reinterpret_cast<const Header*>(bytes.data());
  if (header.magic != kMagic) return "wrong magic";
  if (header.version != kVersion) return "another version";
  if (header.reserved != 0) return "reserved field is not zero";
  // In 64 bits, where no sum of these products can wrap.
  const uint64_t expected = sizeof(Header) + uint64_t{header.count} * (3 * sizeof(uint32_t) + 1) +
                            uint64_t{header.string_count} * sizeof(uint32_t) + header.name_bytes +
                            header.string_bytes;
  if (header.total_bytes != bytes.size() || expected != bytes.size()) {
    return "its size is not what its header says";
  }

  const uint32_t* words = reinterpret_cast<const uint32_t*>(bytes.data() + sizeof(Header));
  const uint32_t* name_ends = words;
  const uint32_t* string_ends = name_ends + header.count;
  const uint32_t* default_values = string_ends + header.string_count;
  const uint32_t* user_values = default_values + header.count;
  const uint8_t* flags = reinterpret_cast<const uint8_t*>(user_values + header.count);
  if (!EndsAreInOrder(name_ends, header.count, header.name_bytes)) return "a name is out of bounds";
  if (!EndsAreInOrder(string_ends, header.string_count, header.string_bytes)) {
    return "a string is out of bounds";
  }
  for (uint32_t i = 0; i < header.count; ++i) {
    const uint8_t flag = flags[i];
    if ((flag & ~kKnownBits) != 0) return "an unknown flag";
    if ((flag & (kHasDefault | kHasUser)) == 0) return "a pref without a value";
    uint32_t limit;
    switch (static_cast<PrefType>(flag & kTypeBits)) {
      case PrefType::kBool:
        limit = 2;
        break;
      case PrefType::kInt:
        continue;
      case PrefType::kString:
        limit = header.string_count;
        break;
      default:
        return "an unknown type";
    }
    if ((flag & kHasDefault) != 0 && default_values[i] >= limit) return "a value out of bounds";
    if ((flag & kHasUser) != 0 && user_values[i] >= limit) return "a value out of bounds";
  }

  map.layout_.generation = header.generation;
  map.layout_.count = header.count;
  map.layout_.name_ends = name_ends;
  map.layout_.string_ends = string_ends;
  map.layout_.default_values = default_values;
  map.layout_.user_values = user_values;
  map.layout_.flags = flags;
  map.layout_.names = reinterpret_cast<const char*>(flags + header.count);
  map.layout_.strings = map.layout_.names + header.name_bytes;
  return {};
}

std::string_view PrefsMap::NameAt(size_t index) const {
  return Slice(layout_.names, layout_.name_ends, index);
}

PrefValueView PrefsMap::ValueAt(PrefType type, uint32_t raw) const {
  switch (type) {
    case PrefType::kBool:
      return raw != 0;
    case PrefType::kInt:
      return static_cast<int32_t>(raw);
    case PrefType::kString:
      break;
  }
  return Slice(layout_.strings, layout_.string_ends, raw);
}

PrefEntry PrefsMap::at(size_t index) const {
  const uint8_t flag = layout_.flags[index];
  PrefEntry entry = {.name = NameAt(index),
                     .type = static_cast<PrefType>(flag & kTypeBits),
                     .sticky = (flag & kSticky) != 0,
                     .locked = (flag & kLocked) != 0,
                     .default_value = std::nullopt,
                     .user_value = std::nullopt};
  if ((flag & kHasDefault) != 0)
    entry.default_value = ValueAt(entry.type, layout_.default_values[index]);
  if ((flag & kHasUser) != 0) entry.user_value = ValueAt(entry.type, layout_.user_values[index]);
  return entry;
}

std::optional<PrefEntry> PrefsMap::Find(std::string_view name) const {
  size_t low = 0;
  size_t high = layout_.count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const int order = NameAt(middle).compare(name);
    if (order == 0) return at(middle);
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return std::nullopt;
}

template <typename T>
T PrefsMap::Get(std::string_view name, T fallback) const {
  const std::optional<PrefEntry> entry = Find(name);
  if (!entry) return fallback;
  const T* value = std::get_if<T>(&entry->effective());
  return value != nullptr ? *value : fallback;
}

bool PrefsMap::GetBool(std::string_view name, bool fallback) const { return Get(name, fallback); }

int32_t PrefsMap::GetInt(std::string_view name, int32_t fallback) const {
  return Get(name, fallback);
}

std::string_view PrefsMap::GetString(std::string_view name, std::string_view fallback) const {
  return Get(name, fallback);
}

std::vector<uint8_t> EncodePrefsMap(std::span<const PrefEntry> entries, uint64_t generation) {
  std::vector<uint32_t> name_ends, string_ends, default_values, user_values;
  std::vector<uint8_t> flags;
  std::string names, strings;
  const auto raw = [&](const std::optional<PrefValueView>& value) -> uint32_t {
    if (!value) return 0;
    if (const bool* flag = std::get_if<bool>(&*value)) return *flag ? 1 : 0;
    if (const int32_t* number = std::get_if<int32_t>(&*value)) {
      return static_cast<uint32_t>(*number);
    }
    strings += std::get<std::string_view>(*value);
    string_ends.push_back(static_cast<uint32_t>(strings.size()));
    return static_cast<uint32_t>(string_ends.size() - 1);
  };
  for (const PrefEntry& entry : entries) {
    names += entry.name;
    name_ends.push_back(static_cast<uint32_t>(names.size()));
    default_values.push_back(raw(entry.default_value));
    user_values.push_back(raw(entry.user_value));
    flags.push_back(static_cast<uint8_t>(entry.type) | (entry.default_value ? kHasDefault : 0) |
                    (entry.user_value ? kHasUser : 0) | (entry.sticky ? kSticky : 0) |
                    (entry.locked ? kLocked : 0));
  }

  std::vector<uint8_t> bytes(sizeof(Header));
  const auto append = [&bytes](const void* data, size_t size) {
    const uint8_t* start = static_cast<const uint8_t*>(data);
    bytes.insert(bytes.end(), start, start + size);
  };
  append(name_ends.data(), name_ends.size() * sizeof(uint32_t));
  append(string_ends.data(), string_ends.size() * sizeof(uint32_t));
  append(default_values.data(), default_values.size() * sizeof(uint32_t));
  append(user_values.data(), user_values.size() * sizeof(uint32_t));
  append(flags.data(), flags.size());
  append(names.data(), names.size());
  append(strings.data(), strings.size());
  const Header header = {.magic = kMagic,
                         .version = kVersion,
                         .total_bytes = static_cast<uint32_t>(bytes.size()),
                         .count = static_cast<uint32_t>(entries.size()),
                         .string_count = static_cast<uint32_t>(string_ends.size()),
                         .name_bytes = static_cast<uint32_t>(names.size()),
                         .string_bytes = static_cast<uint32_t>(strings.size()),
                         .reserved = 0,
                         .generation = generation};
  memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

}  // namespace forkserver
