#include "forkserver/host/flight_recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/flight/flight_record.h"
#include "forkserver/host/fixed_memfd.h"
#include "forkserver/host/sandbox_chain.h"
#include "forkserver/host/stat_fields.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/read_text.h"

namespace forkserver {
namespace {

struct Seen {
  uint64_t started_at = 0;
  MemorySample memory = {};
};

// 0: it cannot be read.
size_t ReadFile(int folder, const char* name, char* text, size_t size) {
  const UniqueFd file(openat(folder, name, O_RDONLY | O_CLOEXEC));
  const long got = file.is_open() ? ReadText(file.get(), text, size - 1) : -1;
  text[std::max(got, 0L)] = '\0';
  return static_cast<size_t>(std::max(got, 0L));
}

// Of the process whose folder of /proc that is; 0: it is no child of this one, or cannot be read.
uint64_t StartOfChild(int folder) {
  char line[1024];
  const size_t size = ReadFile(folder, "stat", line, sizeof(line));
  const std::optional<StatFields> stat = StatFields::Parse(absl::string_view(line, size));
  pid_t parent = 0;
  uint64_t started_at = 0;
  if (!stat || !stat->Number(StatFields::kParent, parent) || parent != getpid() ||
      !stat->Number(StatFields::kStartTime, started_at)) {
    return 0;
  }
  return started_at;
}

// Whoever has its pid later is not in it.
UniqueFd OpenProcFolder(pid_t pid) {
  return UniqueFd(open(absl::StrFormat("/proc/%d", pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// Of a child of this process.
std::optional<Seen> SampleMemoryOf(pid_t pid) {
  const UniqueFd folder = OpenProcFolder(pid);
  if (!folder.is_open()) return std::nullopt;
  Seen seen = {.started_at = StartOfChild(folder.get())};
  if (seen.started_at == 0) return std::nullopt;
  char text[128];
  unsigned long total = 0;
  unsigned long resident = 0;
  unsigned long shared = 0;
  if (ReadFile(folder.get(), "statm", text, sizeof(text)) == 0 ||
      sscanf(text, "%lu %lu %lu", &total, &resident, &shared) != 3) {
    return std::nullopt;
  }
  // A process that has ended has none, and is not to lose what was seen last.
  if (total == 0) return std::nullopt;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  seen.memory = {.at = NowNanos(), .resident = resident * page, .shared = shared * page};
  return seen;
}

}  // namespace

Flight::~Flight() {
  if (!is_told_) {
    for (const auto& listener : recorder_->options_.listeners) {
      listener->OnEnd({.id = id_, .who = who_, .record = record_.get()}, nullptr);
    }
  }
  Forget();
}

bool Flight::samples_memory() const {
  return recorder_->memory_every() != absl::InfiniteDuration();
}

// Its record stays open for who was told of its end.
void Flight::Forget() {
  {
    const std::lock_guard<std::mutex> lock(recorder_->mutex_);
    if (recorder_->flights_.erase(id_) == 0) return;
  }
  for (const auto& listener : recorder_->options_.listeners) listener->OnForgotten(id_);
}

void Flight::SetPid(pid_t pid, uint64_t started_at) {
  const std::lock_guard<std::mutex> lock(recorder_->mutex_);
  who_.pid = pid;
  if (started_at != 0) started_at_ = started_at;
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
    end.who = who_;
    end.missed_deadline = missed_deadline_;
    end.memory = memory_;
    end.why_no_record = why_no_record_;
  }
  if (sandboxed != nullptr) {
    end.refused = sandboxed->membership().chain->RefusedCallsOf(end.who.pid, end.who.begun_at,
                                                                FlightEnd::kMostRefused);
  }
  is_told_ = true;
  for (const auto& listener : recorder_->options_.listeners) {
    listener->OnEnd({.id = id_, .who = end.who, .record = record_.get()}, &end);
  }
  Forget();
  end.record = std::move(record_);
  if (recorder_->options_.on_end) recorder_->options_.on_end(std::move(end));
}

void FlightRecorder::Start(uint64_t build_id) {
  build_id_ = build_id;
  for (const auto& listener : options_.listeners) listener->OnStart(weak_from_this());
}

std::shared_ptr<Flight> FlightRecorder::Begin() {
  if (!is_on()) return nullptr;
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t id = ++last_id_;
  lock.unlock();
  std::shared_ptr<Flight> flight(new Flight(shared_from_this(), id));
  absl::StatusOr<UniqueFd> record = CreateFixedMemfd("flight-record", sizeof(FlightRecord));
  if (record.ok()) {
    flight->record_ = *std::move(record);
  } else {
    flight->why_no_record_ = std::string(record.status().message());
  }
  lock.lock();
  flights_.emplace(id, flight.get());
  return flight;
}

std::vector<uint64_t> FlightRecorder::Living() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<uint64_t> ids;
  ids.reserve(flights_.size());
  for (const auto& [id, flight] : flights_) ids.push_back(id);
  return ids;
}

absl::StatusOr<OpenedFlight> FlightRecorder::Open(uint64_t id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = flights_.find(id);
  if (found == flights_.end()) return absl::NotFoundError(absl::StrFormat("no flight %d", id));
  const Flight& flight = *found->second;
  OpenedFlight opened = {.who = flight.who_};
  if (!flight.record_.is_open()) return opened;
  opened.record.reset(fcntl(flight.record_.get(), F_DUPFD_CLOEXEC, 0));
  if (!opened.record.is_open()) {
    return ErrnoStatus(errno, "fcntl F_DUPFD_CLOEXEC of a flight record");
  }
  return opened;
}

void FlightRecorder::SampleMemory() {
  std::vector<std::pair<uint64_t, pid_t>> pids;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    pids.reserve(flights_.size());
    for (const auto& [id, flight] : flights_) {
      if (flight->who_.pid != 0) pids.emplace_back(id, flight->who_.pid);
    }
  }
  for (const auto& [id, pid] : pids) {
    const std::optional<Seen> seen = SampleMemoryOf(pid);
    if (!seen) continue;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = flights_.find(id);
    if (found == flights_.end()) continue;
    Flight& flight = *found->second;
    if (flight.started_at_ == 0) flight.started_at_ = seen->started_at;
    // Another child may have got its pid before this one's end was told.
    if (flight.started_at_ == seen->started_at) flight.memory_ = seen->memory;
  }
}

int RecordOf(const std::shared_ptr<Flight>& flight) {
  if (flight == nullptr) return kNobodyKeepsRecords;
  return flight->record() >= 0 ? flight->record() : kHasNoRecord;
}

void Follow(const std::shared_ptr<Flight>& flight, Process& process) {
  if (flight == nullptr) return;
  // It is not reaped, so that its pid is its own still.
  uint64_t started_at = 0;
  if (flight->samples_memory()) {
    const UniqueFd folder = OpenProcFolder(process.pid());
    if (folder.is_open()) started_at = StartOfChild(folder.get());
  }
  flight->SetPid(process.pid(), started_at);
  process.TellOfEnd(flight);
}

}  // namespace forkserver
