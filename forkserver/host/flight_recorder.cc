#include "forkserver/host/flight_recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "child/flight/flight_record.h"
#include "forkserver/host/fixed_memfd.h"
#include "forkserver/host/sandbox_chain.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

// How much of what a sandbox refused goes with an end.
constexpr int64_t kRefusalsNanos = kNanosPerSecond;

std::optional<MemorySample> SampleMemoryOf(pid_t pid) {
  UniqueFd statm(open(absl::StrFormat("/proc/%d/statm", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!statm.is_open()) return std::nullopt;
  char text[128] = {};
  const ssize_t size = read(statm.get(), text, sizeof(text) - 1);
  unsigned long total = 0;
  unsigned long resident = 0;
  unsigned long shared = 0;
  if (size <= 0 || sscanf(text, "%lu %lu %lu", &total, &resident, &shared) != 3) {
    return std::nullopt;
  }
  // A process that has ended has none, and is not to lose what was seen last.
  if (total == 0) return std::nullopt;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return MemorySample{.at = NowNanos(), .resident = resident * page, .shared = shared * page};
}

}  // namespace

Flight::~Flight() {
  const std::lock_guard<std::mutex> lock(recorder_->mutex_);
  recorder_->flights_.erase(this);
}

void Flight::SetPid(pid_t pid) {
  const std::lock_guard<std::mutex> lock(recorder_->mutex_);
  who_.pid = pid;
}

void Flight::SetType(ProcessType type, std::string role, LaunchedBy by, int64_t begun_at) {
  const std::lock_guard<std::mutex> lock(recorder_->mutex_);
  who_.type = type;
  who_.role = std::move(role);
  who_.by = by;
  who_.begun_at = begun_at;
}

void Flight::SetReady() {
  const std::lock_guard<std::mutex> lock(recorder_->mutex_);
  who_.was_ready = true;
}

void Flight::Annotate(std::string key, std::string value) {
  const std::lock_guard<std::mutex> lock(recorder_->mutex_);
  who_.annotations[std::move(key)] = std::move(value);
}

void Flight::MissDeadline(std::string why) {
  const std::lock_guard<std::mutex> lock(recorder_->mutex_);
  missed_deadline_ = std::move(why);
}

void Flight::OnReaped(const ExitStatus& status, const SandboxedChild* sandboxed,
                      uint64_t signals_sent) {
  FlightEnd end = {.status = status,
                   .build_id = recorder_->build_id_,
                   .ended_at = NowNanos(),
                   .signals_sent = signals_sent};
  {
    const std::lock_guard<std::mutex> lock(recorder_->mutex_);
    recorder_->flights_.erase(this);
    end.who = who_;
    end.missed_deadline = missed_deadline_;
    end.memory = memory_;
    end.record = std::move(record_);
    end.why_no_record = why_no_record_;
  }
  if (sandboxed != nullptr) {
    end.refused =
        sandboxed->membership().chain->RefusedCallsOf(end.who.pid, end.ended_at - kRefusalsNanos);
  }
  recorder_->options_.on_end(std::move(end));
}

std::shared_ptr<Flight> FlightRecorder::Begin() {
  if (!is_on()) return nullptr;
  std::shared_ptr<Flight> flight(new Flight(shared_from_this()));
  absl::StatusOr<UniqueFd> record = CreateFixedMemfd("flight-record", sizeof(FlightRecord));
  if (record.ok()) {
    flight->record_ = *std::move(record);
  } else {
    flight->why_no_record_ = std::string(record.status().message());
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  flights_.insert(flight.get());
  return flight;
}

void FlightRecorder::SampleMemory() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Flight* const flight : flights_) {
    if (flight->who_.pid == 0) continue;
    if (const auto sample = SampleMemoryOf(flight->who_.pid)) flight->memory_ = sample;
  }
}

}  // namespace forkserver
