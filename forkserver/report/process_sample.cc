#include "forkserver/report/process_sample.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "forkserver/host/stat_fields.h"
#include "forkserver/report/proc_file.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

constexpr size_t kMostTextBytes = size_t{64} << 10;

int64_t NanosOfTicks(uint64_t ticks) {
  static const int64_t ticks_per_second = sysconf(_SC_CLK_TCK);
  return static_cast<int64_t>(ticks) * (kNanosPerSecond / ticks_per_second);
}

absl::Status Malformed(pid_t pid, const char* name) {
  return absl::DataLossError(absl::StrFormat("/proc/%d/%s: malformed", pid, name));
}

absl::StatusOr<ProcessStat> ReadStat(int folder, pid_t pid) {
  const absl::StatusOr<std::string> text = ReadProcFile(folder, pid, "stat", kMostTextBytes);
  if (!text.ok()) return text.status();
  const std::optional<StatFields> fields = StatFields::Parse(*text);
  if (!fields) return Malformed(pid, "stat");
  ProcessStat stat;
  stat.name = std::string(fields->name());
  uint64_t user = 0;
  uint64_t system = 0;
  const absl::string_view state = fields->Text(StatFields::kState);
  if (state.size() != 1 || !fields->Number(StatFields::kParent, stat.parent) ||
      !fields->Number(10, stat.minor_faults) || !fields->Number(12, stat.major_faults) ||
      !fields->Number(14, user) || !fields->Number(15, system) ||
      !fields->Number(20, stat.threads) ||
      !fields->Number(StatFields::kStartTime, stat.started_at)) {
    return Malformed(pid, "stat");
  }
  stat.state = state[0];
  stat.user_nanos = NanosOfTicks(user);
  stat.system_nanos = NanosOfTicks(system);
  return stat;
}

absl::StatusOr<ProcessMemory> ReadMemory(int folder, pid_t pid) {
  const absl::StatusOr<std::string> text =
      ReadProcFile(folder, pid, "smaps_rollup", kMostTextBytes);
  if (!text.ok()) return text.status();
  ProcessMemory memory;
  const std::pair<absl::string_view, uint64_t*> wanted[] = {
      {"Rss:", &memory.resident},
      {"Pss:", &memory.proportional},
      {"Shared_Clean:", &memory.shared_clean},
      {"Shared_Dirty:", &memory.shared_dirty},
      {"Private_Clean:", &memory.private_clean},
      {"Private_Dirty:", &memory.private_dirty},
      {"Swap:", &memory.swapped},
  };
  size_t found = 0;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
    if (words.size() != 3 || words[2] != "kB") continue;
    for (const auto& [name, value] : wanted) {
      uint64_t kib = 0;
      if (words[0] != name || !absl::SimpleAtoi(words[1], &kib)) continue;
      *value = kib << 10;
      ++found;
    }
  }
  // A process without memory (it has ended, or is a thread of the kernel's) has an empty file.
  if (found < std::size(wanted)) return Malformed(pid, "smaps_rollup");
  return memory;
}

absl::StatusOr<uint64_t> CountDescriptors(int folder, pid_t pid) {
  const absl::StatusOr<UniqueFd> file = OpenProcFile(folder, pid, "fd");
  if (!file.ok()) return file.status();
  // Linux 6.2 and later say it as the size.
  struct stat status;
  if (fstat(file->get(), &status) == 0 && status.st_size > 0) {
    return static_cast<uint64_t>(status.st_size);
  }
  UniqueFd copy(fcntl(file->get(), F_DUPFD_CLOEXEC, 0));
  DIR* const entries = copy.is_open() ? fdopendir(copy.get()) : nullptr;
  if (entries == nullptr) return ErrnoStatus(errno, absl::StrFormat("fdopendir /proc/%d/fd", pid));
  (void)copy.release();
  uint64_t count = 0;
  errno = 0;
  while (const dirent* entry = readdir(entries)) count += entry->d_name[0] != '.';
  const int error = errno;
  closedir(entries);
  if (error != 0) return ErrnoStatus(error, absl::StrFormat("readdir /proc/%d/fd", pid));
  return count;
}

int64_t UptimeSince(uint64_t started_at) {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  const int64_t uptime = now.tv_sec * kNanosPerSecond + now.tv_nsec - NanosOfTicks(started_at);
  return uptime > 0 ? uptime : 0;
}

// But for the stat.
void LackAll(ProcessSample& sample, const absl::Status& why) {
  sample.memory = why;
  sample.descriptors = why;
  sample.uptime_nanos = why;
}

}  // namespace

ProcessSample TakeProcessSample(pid_t pid, SampledMemory memory) {
  ProcessSample sample = {.pid = pid, .taken_at = NowNanos()};
  const absl::StatusOr<UniqueFd> folder = OpenProcFolder(pid);
  if (!folder.ok()) {
    sample.stat = folder.status();
    LackAll(sample, folder.status());
    return sample;
  }
  sample.stat = ReadStat(folder->get(), pid);
  if (!sample.stat.ok()) {
    LackAll(sample, sample.stat.status());
    return sample;
  }
  sample.uptime_nanos = UptimeSince(sample.stat->started_at);
  if (sample.stat->state == 'Z' || sample.stat->state == 'X') {
    const int64_t uptime = *sample.uptime_nanos;
    LackAll(sample,
            absl::NotFoundError(absl::StrFormat("pid %d: has ended, and is unreaped", pid)));
    sample.uptime_nanos = uptime;
    return sample;
  }
  sample.descriptors = CountDescriptors(folder->get(), pid);
  if (memory == SampledMemory::kRead) {
    sample.memory = ReadMemory(folder->get(), pid);
  } else {
    sample.memory = absl::UnknownError("not asked for");
  }
  return sample;
}

bool SameProcess(const ProcessSample& one, const ProcessSample& other) {
  return one.pid == other.pid && one.stat.ok() && other.stat.ok() &&
         one.stat->started_at == other.stat->started_at;
}

std::optional<double> CpuShare(const ProcessSample& before, const ProcessSample& after) {
  if (!SameProcess(before, after) || after.taken_at <= before.taken_at) return std::nullopt;
  return static_cast<double>(after.stat->cpu_nanos() - before.stat->cpu_nanos()) /
         static_cast<double>(after.taken_at - before.taken_at);
}

}  // namespace forkserver
