#include "forkserver/report/memory_names.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/str_format.h"
#include "forkserver/host/stat_fields.h"
#include "forkserver/report/proc_file.h"
#include "preload/freeze/frozen_memory.h"
#include "transceiver/one_line.h"

namespace forkserver {
namespace {

bool IsFrozen(const ProcessMapping& mapping) {
  return mapping.path == absl::StrFormat("/memfd:%s (deleted)", kFrozenMemoryName);
}

// The file that is mapped there, and no other of its name.
UniqueFd OpenMapped(int folder, const ProcessMapping& mapping) {
  const std::string link = absl::StrFormat("map_files/%x-%x", mapping.start, mapping.end);
  UniqueFd file(openat(folder, link.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.is_open()) return file;
  // That wants CAP_CHECKPOINT_RESTORE. No pipe of that name holds us up.
  file.reset(open(mapping.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status;
  if (file.is_open() && fstat(file.get(), &status) == 0 && status.st_dev == mapping.device &&
      status.st_ino == mapping.inode) {
    return file;
  }
  return UniqueFd();
}

}  // namespace

std::string MemoryPlace::ToString() const {
  if (of.empty()) return "unnamed";
  return section.empty() ? of : of + " " + section;
}

absl::StatusOr<MemoryNames> MemoryNames::Of(int folder, pid_t pid) {
  MemoryNames names;
  absl::StatusOr<std::vector<ProcessMapping>> mappings =
      ReadMappings(folder, pid, MappingPages::kNotCounted);
  if (!mappings.ok()) return mappings.status();
  names.mappings_ = *std::move(mappings);
  names.FindHeap(folder, pid);
  names.FindImages(folder);
  return names;
}

void MemoryNames::FindHeap(int folder, pid_t pid) {
  const absl::StatusOr<std::string> stat = ReadProcFile(folder, pid, "stat", 1 << 16);
  if (!stat.ok()) return;
  const std::optional<StatFields> fields = StatFields::Parse(*stat);
  uint64_t start = 0;
  if (!fields || !fields->Number(StatFields::kStartBrk, start) || start == 0) return;
  heap_start_ = start;
  heap_end_ = start;
  for (const ProcessMapping& mapping : mappings_) {
    if (mapping.start <= heap_end_ && heap_end_ < mapping.end) heap_end_ = mapping.end;
  }
}

void MemoryNames::FindImages(int folder) {
  std::pair<dev_t, uint64_t> last = {};
  for (const ProcessMapping& mapping : mappings_) {
    if (!mapping.has_file() || IsFrozen(mapping) || mapping.is_shared) continue;
    // Those of one image are neighbours, and the first says where it is.
    if (std::exchange(last, {mapping.device, mapping.inode}) ==
        std::pair(mapping.device, mapping.inode)) {
      continue;
    }
    UniqueFd file = OpenMapped(folder, mapping);
    if (!file.is_open()) continue;
    absl::StatusOr<ElfImage> image = ElfImage::Read(std::move(file));
    if (!image.ok()) continue;  // data of the program's
    const std::optional<uint64_t> bias = image->BiasOf(mapping.start, mapping.offset);
    if (!bias) continue;
    loaded_.push_back(
        {.name = OneLine(FileNameOf(mapping.path)), .bias = *bias, .image = *std::move(image)});
  }
}

const MemoryNames::Loaded* MemoryNames::FindLoaded(uintptr_t address) const {
  const auto found = std::find_if(loaded_.begin(), loaded_.end(), [&](const Loaded& one) {
    return one.image.IsInWrittenSegment(address - one.bias) ||
           !one.image.SectionAt(address - one.bias).empty();
  });
  return found == loaded_.end() ? nullptr : &*found;
}

const ProcessMapping* MemoryNames::MappingAt(uintptr_t address) const {
  const auto after = std::upper_bound(
      mappings_.begin(), mappings_.end(), address,
      [](uintptr_t wanted, const ProcessMapping& one) { return wanted < one.start; });
  if (after == mappings_.begin()) return nullptr;
  const ProcessMapping& before = *std::prev(after);
  return address < before.end ? &before : nullptr;
}

MemoryPlace MemoryNames::PlaceOf(uintptr_t address) const {
  if (heap_start_ <= address && address < heap_end_) return {.of = "[heap]"};
  const ProcessMapping* const mapping = MappingAt(address);
  if (mapping == nullptr || IsFrozen(*mapping)) return {};
  return {.of = OneLine(mapping->has_file() ? FileNameOf(mapping->path) : mapping->path)};
}

MemoryPlace MemoryNames::At(uintptr_t address) const {
  const Loaded* const loaded = FindLoaded(address);
  if (loaded == nullptr) return PlaceOf(address);
  return {.of = loaded->name,
          .section = std::string(loaded->image.SectionAt(address - loaded->bias))};
}

MemoryPlace MemoryNames::PageAt(uintptr_t page) const {
  const Loaded* const loaded = FindLoaded(page);
  if (loaded == nullptr) return PlaceOf(page);
  return {.of = loaded->name,
          .section = std::string(loaded->image.MainSectionOf(page - loaded->bias))};
}

std::string MemoryNames::VariableAt(uintptr_t address) {
  const Loaded* const found = FindLoaded(address);
  if (found == nullptr) return "";
  Loaded& loaded = loaded_[static_cast<size_t>(found - loaded_.data())];
  return OneLine(loaded.image.VariableAt(address - loaded.bias));
}

}  // namespace forkserver
