#include "forkserver/report/crash_record.h"

#include <stddef.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "child/flight/flight_record.h"
#include "forkserver/report/read_at.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

// What follows is nothing of a crash.
constexpr size_t kCrashBytes = offsetof(FlightRecord, telemetry);

template <size_t kBytes>
std::string TextOf(const char (&room)[kBytes]) {
  return std::string(room, strnlen(room, kBytes));
}

std::string WatchErrorText(WatchError failed) {
  if (failed.ok()) return "";
  const std::string_view step = WatchStepName(failed.step);
  return absl::StrCat(step.empty() ? "unknown" : std::string(step), ": ", ErrnoName(failed.error));
}

RecordedModule ReadModule(const CrashModule& module) {
  const size_t id_bytes = std::min<size_t>(module.build_id_bytes, CrashModule::kMostBuildIdBytes);
  return {.start = module.start,
          .end = module.end,
          .bias = module.bias,
          .build_id = absl::BytesToHexString(
              absl::string_view(reinterpret_cast<const char*>(module.build_id), id_bytes)),
          .path = TextOf(module.path)};
}

RecordedCrash ReadCrash(const CrashArea& area) {
  RecordedCrash crash = {.is_whole = area.state == CrashArea::kWritten,
                         .signal = area.signal,
                         .code = area.code,
                         .address = area.address,
                         .sender = area.sender,
                         .syscall = area.syscall,
                         .thread = area.thread,
                         .thread_name = TextOf(area.thread_name),
                         .at = area.at};
  const size_t registers = std::min<size_t>(area.register_count, CrashArea::kMostRegisters);
  crash.registers.assign(area.registers, area.registers + registers);
  crash.program_counter = area.program_counter;
  crash.stack_pointer = area.stack_pointer;
  const size_t modules = std::min<size_t>(area.module_count, CrashArea::kMostModules);
  for (size_t i = 0; i < modules; ++i) {
    RecordedModule module = ReadModule(area.modules[i]);
    if (module.start < module.end) crash.modules.push_back(std::move(module));
  }
  crash.modules_left_out = area.modules_left_out;
  crash.stack_start = area.stack_start;
  const size_t stack = std::min<size_t>(area.stack_bytes, CrashArea::kStackBytes);
  crash.stack.assign(area.stack, area.stack + stack);
  return crash;
}

}  // namespace

absl::StatusOr<CrashRecord> ReadCrashRecord(int fd) {
  // A copy: a process that it left behind may still write to the file.
  const auto copy = std::make_unique<FlightRecord>();
  if (const int error = ReadAt(fd, static_cast<void*>(copy.get()), kCrashBytes, 0); error != 0) {
    return ErrnoStatus(error, "pread memfd flight-record");
  }
  CrashRecord record;
  record.why_unwatched = WatchErrorText(WatchError::Unpack(copy->unwatched));
  record.was_mapped = copy->magic == FlightRecord::kMagic;
  if (!record.was_mapped) return record;
  const uint32_t step = copy->step;
  record.step = step < kLaunchStepCount ? static_cast<LaunchStep>(step) : LaunchStep::kNone;
  for (const Annotation& entry : copy->annotations.entries) {
    const Annotation::State state = Annotation::StateOf(entry.word);
    if (state == Annotation::kSet || state == Annotation::kChanging)
      record.annotations.emplace(TextOf(entry.key), TextOf(entry.value));
  }
  record.annotations_lost = copy->annotations.lost;
  if (copy->crash.reason_state != CrashArea::kNone) {
    record.reason = TextOf(copy->crash.reason);
    while (record.reason.ends_with('\n')) record.reason.pop_back();
  }
  if (copy->crash.state != CrashArea::kNone) {
    record.crash = std::make_shared<const RecordedCrash>(ReadCrash(copy->crash));
  }
  return record;
}

}  // namespace forkserver
