#include "forkserver/report/dirtied_memory.h"

#include <errno.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "forkserver/report/memory_names.h"
#include "forkserver/report/own_pages.h"
#include "forkserver/report/proc_file.h"
#include "forkserver/report/process_mappings.h"
#include "forkserver/report/process_table.h"
#include "forkserver/report/short_bytes.h"
#include "preload/freeze/frozen_memory.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/one_line.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

constexpr uint64_t kPage = 4096;
constexpr size_t kMostVariables = 8;

using Page = std::array<uint8_t, kPage>;

int ReadPage(pid_t pid, uintptr_t address, Page& page) {
  const iovec to = {.iov_base = page.data(), .iov_len = page.size()};
  const iovec from = {.iov_base = reinterpret_cast<void*>(address), .iov_len = page.size()};
  const ssize_t got = process_vm_readv(pid, &to, 1, &from, 1, 0);
  if (got == static_cast<ssize_t>(page.size())) return 0;
  return got < 0 ? errno : EFAULT;
}

// Whether both map the same there: a child keeps what it was forked with, or has something else.
bool IsSameMemory(const ProcessMapping& of_template, const ProcessMapping& of_child) {
  if (of_child.is_shared || of_template.has_file() != of_child.has_file()) return false;
  if (!of_template.has_file()) return true;
  return of_template.device == of_child.device && of_template.inode == of_child.inode &&
         of_template.offset - of_template.start == of_child.offset - of_child.start;
}

class Measurement {
 public:
  Measurement(pid_t template_pid, MemoryNames names, DirtiedMemory& memory)
      : template_pid_(template_pid), names_(std::move(names)), memory_(memory) {}

  void Add(pid_t pid) {
    if (absl::Status added = AddChild(pid); !added.ok()) {
      memory_.missing.push_back(
          absl::StrFormat("pid %d: %s", pid, OneLine(std::string(added.message()))));
    }
  }

  void Finish() {
    for (auto& [key, found] : regions_) {
      DirtiedRegion& region = found.region;
      for (auto& [name, bytes] : found.variables) region.variables.push_back({name, bytes});
      std::sort(region.variables.begin(), region.variables.end(),
                [](const DirtiedVariable& a, const DirtiedVariable& b) {
                  return a.changed_bytes > b.changed_bytes;
                });
      if (region.variables.size() > kMostVariables) region.variables.resize(kMostVariables);
      memory_.dirtied_bytes += region.dirtied_bytes;
      memory_.regions.push_back(std::move(region));
    }
    std::stable_sort(memory_.regions.begin(), memory_.regions.end(),
                     [](const DirtiedRegion& a, const DirtiedRegion& b) {
                       return a.dirtied_bytes > b.dirtied_bytes;
                     });
  }

 private:
  struct Region {
    DirtiedRegion region;
    std::map<std::string, uint64_t> variables;
    pid_t last_child = -1;  // that was counted
  };
  // Of what was named: that; else the start of its mapping.
  using Key = std::tuple<std::string, std::string, uintptr_t>;

  absl::Status AddChild(pid_t pid) {
    const absl::StatusOr<UniqueFd> folder = OpenProcFolder(pid);
    if (!folder.ok()) return folder.status();
    const absl::StatusOr<std::vector<ProcessMapping>> mappings =
        ReadMappings(folder->get(), pid, MappingPages::kCounted);
    if (!mappings.ok()) return mappings.status();
    if (mappings->empty()) return absl::NotFoundError("has ended");
    if (!IsChild(*mappings)) {
      return absl::FailedPreconditionError("is no child of this process of the template");
    }
    const absl::StatusOr<UniqueFd> pagemap = OpenProcFile(folder->get(), pid, "pagemap");
    if (!pagemap.ok()) return pagemap.status();
    ++memory_.children;
    pid_ = pid;
    compared_ = 0;
    examined_ = kMostExaminedPages;
    why_not_compared_ = 0;
    absl::Status status;
    for (const ProcessMapping& mapping : *mappings) {
      if (mapping.is_shared || mapping.path == "[vsyscall]") continue;
      status.Update(AddMapping(pagemap->get(), mapping));
    }
    if (status.ok() && compared_ == kMostComparedPages) {
      status = absl::ResourceExhaustedError(
          absl::StrFormat("only %d of its pages were compared", kMostComparedPages));
    }
    if (status.ok() && why_not_compared_ != 0) {
      status = ErrnoStatus(why_not_compared_, "process_vm_readv");
    }
    return status;
  }

  // Where the template has frozen memory, or any that is a file's, its children have some of it.
  bool IsChild(const std::vector<ProcessMapping>& child) const {
    bool has_frozen = false;
    for (const ProcessMapping& one : names_.mappings()) {
      if (!one.has_file() || one.path.find(kFrozenMemoryName) == std::string::npos) continue;
      has_frozen = true;
      const bool is_there =
          std::any_of(child.begin(), child.end(), [&](const ProcessMapping& other) {
            return other.inode == one.inode && other.device == one.device;
          });
      if (!is_there) return false;
    }
    return has_frozen || !names_.mappings().empty();
  }

  absl::Status AddMapping(int pagemap, const ProcessMapping& of_child) {
    for (const ProcessMapping& one : names_.mappings()) {
      if (one.is_shared || one.end <= of_child.start || of_child.end <= one.start) continue;
      const uintptr_t start = std::max(one.start, of_child.start);
      const uintptr_t end = std::min(one.end, of_child.end);
      if (!IsSameMemory(one, of_child)) {
        memory_.replaced_bytes += end - start;
        continue;
      }
      if (of_child.anonymous_bytes + of_child.swapped_bytes == 0) continue;
      const OwnPages pages = FindOwnPages(pagemap, start, end, examined_);
      for (const uintptr_t page : pages.present) AddPage(one, page);
      for (const uintptr_t page : pages.swapped) {
        Region& region = RegionOf(one, names_.PageAt(page));
        region.region.dirtied_bytes += kPage;
        region.region.swapped_bytes += kPage;
      }
      if (pages.error != 0) return ErrnoStatus(pages.error, "read its pagemap");
      if (pages.is_cut) return absl::ResourceExhaustedError("too many pages to look at");
    }
    return absl::OkStatus();
  }

  Region& RegionOf(const ProcessMapping& mapping, MemoryPlace place) {
    const bool is_named = !place.of.empty();
    Region& found = regions_[Key(place.of, place.section, is_named ? 0 : mapping.start)];
    if (found.last_child != pid_) {
      found.last_child = pid_;
      ++found.region.children;
      found.region.of = std::move(place.of);
      found.region.section = std::move(place.section);
      if (!is_named) {
        found.region.start = mapping.start;
        found.region.end = mapping.end;
      }
    }
    return found;
  }

  void AddPage(const ProcessMapping& mapping, uintptr_t page) {
    Page before;
    Page now;
    const bool may_compare = compared_ < kMostComparedPages && why_not_compared_ == 0;
    if (may_compare) {
      why_not_compared_ = ReadPage(template_pid_, page, before);
      if (why_not_compared_ == 0) why_not_compared_ = ReadPage(pid_, page, now);
    }
    if (!may_compare || why_not_compared_ != 0) {
      RegionOf(mapping, names_.PageAt(page)).region.dirtied_bytes += kPage;
      return;
    }
    ++compared_;
    size_t changed = 0;
    for (size_t i = 0; i < kPage; ++i) changed += before[i] != now[i] ? 1 : 0;
    const auto first = std::mismatch(before.begin(), before.end(), now.begin()).first;
    // A page is one region's: of two sections in it, that of its first change.
    MemoryPlace place = changed == 0
                            ? names_.PageAt(page)
                            : names_.At(page + static_cast<size_t>(first - before.begin()));
    Region& region = RegionOf(mapping, std::move(place));
    region.region.dirtied_bytes += kPage;
    region.region.compared_bytes += kPage;
    region.region.changed_bytes += changed;
    if (changed > 0 && !region.region.section.empty()) CountVariables(page, before, now, region);
  }

  void CountVariables(uintptr_t page, const Page& before, const Page& now, Region& region) {
    constexpr size_t kWord = 8;  // is hardly ever of two variables that both have changed
    for (size_t word = 0; word < kPage; word += kWord) {
      size_t changed = 0;
      size_t last = 0;
      for (size_t i = word; i < word + kWord; ++i) {
        if (before[i] == now[i]) continue;
        ++changed;
        last = i;
      }
      if (changed == 0) continue;
      const std::string name = names_.VariableAt(page + last);
      if (!name.empty()) region.variables[name] += changed;
    }
  }

  const pid_t template_pid_;
  MemoryNames names_;
  DirtiedMemory& memory_;
  std::map<Key, Region> regions_;
  // Of the child that is looked at.
  pid_t pid_ = -1;
  size_t compared_ = 0;
  size_t examined_ = 0;
  int why_not_compared_ = 0;
};

}  // namespace

std::string DirtiedRegion::Name() const {
  if (of.empty()) return absl::StrFormat("unnamed %x-%x", start, end);
  return section.empty() ? of : of + " " + section;
}

DirtiedMemory MeasureDirtiedMemory(pid_t template_pid, std::span<const pid_t> children) {
  const int64_t started_at = NowNanos();
  DirtiedMemory memory = {.template_pid = template_pid};
  const absl::StatusOr<UniqueFd> folder = OpenProcFolder(template_pid);
  absl::StatusOr<MemoryNames> names =
      folder.ok() ? MemoryNames::Of(folder->get(), template_pid) : folder.status();
  if (!names.ok()) {
    memory.missing.push_back("template: " + OneLine(std::string(names.status().message())));
    return memory;
  }
  Measurement measurement(template_pid, *std::move(names), memory);
  for (const pid_t pid : children) measurement.Add(pid);
  measurement.Finish();
  memory.took_nanos = NowNanos() - started_at;
  return memory;
}

std::string ToText(const DirtiedMemory& memory, const std::string& template_name, size_t width,
                   size_t most) {
  std::string text;
  const auto add = [&](const std::string& line) {
    text += (width > 0 ? CutToColumns(line, width) : line) + "\n";
  };
  add(absl::StrFormat("%s: %d process%s %s of its memory for themselves; read in %.1f ms",
                      OneLine(template_name), memory.children,
                      memory.children == 1 ? " has" : "es have", ShortBytes(memory.dirtied_bytes),
                      static_cast<double>(memory.took_nanos) / kNanosPerMilli));
  size_t longest = 0;
  const size_t shown = std::min(most, memory.regions.size());
  for (size_t i = 0; i < shown; ++i) {
    longest = std::max(longest, memory.regions[i].Name().size());
  }
  for (size_t i = 0; i < shown; ++i) {
    const DirtiedRegion& one = memory.regions[i];
    std::string line = absl::StrFormat("%7s in %-3d %-*s  ", ShortBytes(one.dirtied_bytes),
                                       one.children, static_cast<int>(longest), one.Name());
    if (one.compared_bytes > 0) {
      absl::StrAppendFormat(&line, "%6s changed", ShortBytes(one.changed_bytes));
    }
    const char* separator = ": ";
    for (const DirtiedVariable& variable : one.variables) {
      absl::StrAppendFormat(&line, "%s%s %d", std::exchange(separator, ", "), variable.name,
                            variable.changed_bytes);
    }
    add(line);
  }
  if (memory.regions.size() > shown) {
    uint64_t rest = 0;
    for (size_t i = shown; i < memory.regions.size(); ++i) rest += memory.regions[i].dirtied_bytes;
    add(absl::StrFormat("%7s in %d more", ShortBytes(rest), memory.regions.size() - shown));
  }
  if (memory.replaced_bytes > 0) {
    add(absl::StrFormat("%7s replaced by memory of their own", ShortBytes(memory.replaced_bytes)));
  }
  for (const std::string& one : memory.missing) add("      - " + one);
  return text;
}

}  // namespace forkserver
