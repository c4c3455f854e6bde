#include "tests/soak/census.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace forkserver::soak {
namespace {

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;
using File = std::unique_ptr<FILE, int (*)(FILE*)>;

// "socket:[4711]" and its like are one kind, whatever their inode.
std::string KindOf(std::string target) {
  const size_t colon = target.find(":[");
  if (colon != std::string::npos && isdigit(target[colon + 2]) != 0) target.resize(colon);
  return target;
}

absl::StatusOr<std::map<std::string, int>> CountDescriptors(pid_t pid) {
  const std::string path = absl::StrFormat("/proc/%d/fd", pid);
  const Folder folder(opendir(path.c_str()), closedir);
  if (folder == nullptr) return ErrnoStatus(errno, "opendir " + path);
  const int own = pid == getpid() ? dirfd(folder.get()) : -1;
  std::map<std::string, int> kinds;
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == own) continue;
    char target[4096];
    const ssize_t size = readlinkat(dirfd(folder.get()), entry->d_name, target, sizeof(target));
    ++kinds[size < 0 ? "?" : KindOf(std::string(target, static_cast<size_t>(size)))];
  }
  return kinds;
}

struct Stat {
  pid_t parent = 0;
  char state = '?';
  std::string name;
};

// Nothing: it is gone.
bool ReadStat(pid_t pid, Stat& stat) {
  const File file(fopen(absl::StrFormat("/proc/%d/stat", pid).c_str(), "re"), fclose);
  char line[512] = {};
  if (file == nullptr || fread(line, 1, sizeof(line) - 1, file.get()) == 0) return false;
  // proc(5): the name is in parentheses, and may have some itself.
  const char* const begin = strchr(line, '(');
  const char* const end = strrchr(line, ')');
  if (begin == nullptr || end == nullptr) return false;
  stat.name.assign(begin + 1, end);
  return sscanf(end + 1, " %c %d", &stat.state, &stat.parent) == 2;
}

absl::StatusOr<std::map<pid_t, Stat>> AllProcesses() {
  const Folder folder(opendir("/proc"), closedir);
  if (folder == nullptr) return ErrnoStatus(errno, "opendir /proc");
  std::map<pid_t, Stat> processes;
  while (const dirent* entry = readdir(folder.get())) {
    const pid_t pid = atoi(entry->d_name);
    Stat stat;
    if (pid > 0 && ReadStat(pid, stat)) processes.emplace(pid, std::move(stat));
  }
  return processes;
}

absl::StatusOr<std::map<pid_t, std::string>> FindStrays(const std::set<pid_t>& watched) {
  const absl::StatusOr<std::map<pid_t, Stat>> all = AllProcesses();
  if (!all.ok()) return all.status();
  std::set<pid_t> below = watched;
  below.insert(getpid());
  std::map<pid_t, std::string> strays;
  // Pids wrap: a child's may be lower than its parent's, and is found on the next round.
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& [pid, stat] : *all) {
      if (below.count(stat.parent) == 0 || !below.insert(pid).second) continue;
      grew = true;
      strays[pid] = absl::StrFormat("pid %d (%s, state %c), child of %d", pid, stat.name,
                                    stat.state, stat.parent);
    }
  }
  return strays;
}

absl::StatusOr<Holdings> HoldingsOf(pid_t pid) {
  Holdings holdings;
  char line[4400];  // a path of PATH_MAX and what is before it
  const std::string maps_path = absl::StrFormat("/proc/%d/maps", pid);
  const File maps(fopen(maps_path.c_str(), "re"), fclose);
  if (maps == nullptr) return ErrnoStatus(errno, "open " + maps_path);
  while (fgets(line, sizeof(line), maps.get()) != nullptr) ++holdings.mappings;
  absl::StatusOr<std::map<std::string, int>> descriptors = CountDescriptors(pid);
  if (!descriptors.ok()) return descriptors.status();
  holdings.descriptors = *std::move(descriptors);
  const std::string rollup_path = absl::StrFormat("/proc/%d/smaps_rollup", pid);
  const File rollup(fopen(rollup_path.c_str(), "re"), fclose);
  if (rollup == nullptr) return ErrnoStatus(errno, "open " + rollup_path);
  long long kib;
  while (fgets(line, sizeof(line), rollup.get()) != nullptr) {
    if (sscanf(line, "Rss: %lld", &kib) != 1) continue;
    holdings.rss_kib = kib;
    return holdings;
  }
  return absl::InternalError(rollup_path + ": no Rss");
}

int CountOf(const std::map<std::string, int>& kinds, const std::string& kind) {
  const auto found = kinds.find(kind);
  return found != kinds.end() ? found->second : 0;
}

void AddDescriptorLines(const std::string& name, const Holdings& opening, const Holdings& closing,
                        std::vector<std::string>& lines) {
  std::set<std::string> kinds;
  for (const auto& [kind, count] : opening.descriptors) kinds.insert(kind);
  for (const auto& [kind, count] : closing.descriptors) kinds.insert(kind);
  for (const std::string& kind : kinds) {
    const int before = CountOf(opening.descriptors, kind);
    const int now = CountOf(closing.descriptors, kind);
    if (before == now) continue;
    lines.push_back(absl::StrFormat("descriptors: %s: %s: %d, now %d", name, kind, before, now));
  }
}

}  // namespace

absl::StatusOr<Census> TakeCensus(const std::vector<WatchedProcess>& watched) {
  Census census;
  std::set<pid_t> pids;
  for (const WatchedProcess& each : watched) pids.insert(each.pid);
  absl::StatusOr<std::map<pid_t, std::string>> strays = FindStrays(pids);
  if (!strays.ok()) return strays.status();
  census.strays = *std::move(strays);
  for (const WatchedProcess& each : watched) {
    const absl::StatusOr<Holdings> holdings = HoldingsOf(each.pid);
    if (!holdings.ok()) {
      return absl::Status(holdings.status().code(),
                          absl::StrCat(each.name, ": ", holdings.status().message()));
    }
    census.watched[each.name] = *holdings;
  }
  const struct mallinfo2 heap = mallinfo2();
  census.heap_bytes = static_cast<int64_t>(heap.uordblks + heap.hblkhd);
  return census;
}

std::vector<std::string> Differences(const Census& opening, const Census& closing,
                                     const CensusBounds& bounds) {
  std::vector<std::string> lines;
  for (const auto& [pid, stray] : closing.strays) lines.push_back("process: " + stray);
  for (const auto& [name, now] : closing.watched) {
    const auto found = opening.watched.find(name);
    if (found == opening.watched.end()) {
      lines.push_back("process: " + name + " was not there at the opening census");
      continue;
    }
    const Holdings& before = found->second;
    AddDescriptorLines(name, before, now, lines);
    if (now.mappings > before.mappings + bounds.mappings) {
      lines.push_back(
          absl::StrFormat("mappings: %s: %d, now %d", name, before.mappings, now.mappings));
    }
    if (now.rss_kib > before.rss_kib + bounds.rss_kib) {
      lines.push_back(
          absl::StrFormat("memory: %s: %d KiB, now %d KiB", name, before.rss_kib, now.rss_kib));
    }
  }
  if (closing.heap_bytes > opening.heap_bytes + bounds.heap_bytes) {
    lines.push_back(
        absl::StrFormat("heap: %d bytes in use, now %d", opening.heap_bytes, closing.heap_bytes));
  }
  for (const auto& [name, before] : opening.watched) {
    if (closing.watched.count(name) == 0) lines.push_back("process: " + name + " is gone");
  }
  return lines;
}

int LeakedDescriptors(const Census& opening, const Census& closing) {
  int leaked = 0;
  for (const auto& [name, now] : closing.watched) {
    const auto before = opening.watched.find(name);
    if (before == opening.watched.end()) continue;
    for (const auto& [kind, count] : now.descriptors) {
      leaked += std::max(0, count - CountOf(before->second.descriptors, kind));
    }
  }
  return leaked;
}

}  // namespace forkserver::soak
