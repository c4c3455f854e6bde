// What the host keeps of each process that it has launched, for the day that it dies: who it was,
// its flight record (child/flight/flight_record.h), how much memory it had when it was last looked
// at, and whether it was the host that ended it.
//
//     StartOptions options = {.flight_recorder = {.on_end = [&](FlightEnd end) { ... }}};
//
// Without on_end and listeners there are no records, and none of this costs anything. With one of
// them each process that is forked or exec'ed gets a memfd of its own, also templates and the
// blanks of a pool, and on_end hears of each once it has been reaped: what it does with that is its
// own affair (forkserver/report/crash_reporter.h writes reports). A listener hears of the same
// ends, and can look at the records of processes that live (forkserver/report/telemetry.h).
//
// Ownership: a Flight is held by the process's Process until that has reaped it, and by whoever
// else wants to add to it. Threads: any; on_end and listeners are called on the thread that reaps,
// which may hold the server's lock: they must be short, and call nothing of the ForkServer.
#ifndef FORKSERVER_HOST_FLIGHT_RECORDER_H_
#define FORKSERVER_HOST_FLIGHT_RECORDER_H_

#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "child/process_types.h"
#include "forkserver/host/broker/refused_call.h"
#include "forkserver/host/launched_by.h"
#include "forkserver/host/process.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// Of /proc/PID/statm (proc(5)); in bytes.
struct MemorySample {
  int64_t at = 0;  // NowNanos
  uint64_t resident = 0;
  uint64_t shared = 0;  // of the resident: of files and shared memory, frozen memory included
};

struct ProcessIdentity {
  pid_t pid = 0;
  ProcessType type = ProcessType::kParent;
  // "launch of content", "root template", "blank of template 'content'".
  std::string role = {};
  LaunchedBy by = LaunchedBy::kFork;
  bool was_ready = false;
  int64_t begun_at = 0;  // when it was asked for (NowNanos)
  // What the host says of it, beside what the process says in its record.
  std::map<std::string, std::string> annotations = {};
};

struct FlightEnd {
  // More than the reporter keeps of one process and one second, as it is set by default.
  static constexpr size_t kMostRefused = 64;

  ProcessIdentity who = {};
  ExitStatus status = {};
  uint64_t build_id = 0;  // ForkServer::build_id
  int64_t ended_at = 0;   // when it was reaped (NowNanos)
  // Signals that were sent through its Process, as SignalBits: SIGKILL by its destructor too.
  uint64_t signals_sent = 0;
  // Why the host ended it where it was late: "not Ready after 10s". Empty: it was not.
  std::string missed_deadline = {};
  std::optional<MemorySample> memory = {};
  // What its sandbox refused it since begun_at, kMostRefused at most: the last ones, oldest first.
  // It may have died long before it was reaped, and these before that.
  std::vector<RefusedCall> refused = {};
  // Its flight record; closed where it has none, and why.
  UniqueFd record = {};
  std::string why_no_record = {};

  bool WasSent(int signal) const { return (signals_sent & SignalBit(signal)) != 0; }
};

class FlightRecorder;

// A process that has a flight, borrowed for the call.
struct FlightView {
  uint64_t id;  // no other process of this host has it
  const ProcessIdentity& who;
  int record;  // -1: it has none
};

// Hears of each process that has a flight, on whichever thread; see above.
class FlightListener {
 public:
  virtual ~FlightListener() = default;
  // In Start, before the first process is asked for.
  virtual void OnStart(std::weak_ptr<FlightRecorder> recorder) = 0;
  // Once for each. Null: nobody could reap it, or there came to be no process. FlightRecorder::
  // Living may name it until OnForgotten, and not after that: so that who reads all records misses
  // none, and can tell which ones it has read for the last time.
  virtual void OnEnd(const FlightView& flight, const FlightEnd* end) = 0;
  virtual void OnForgotten(uint64_t id) = 0;
};

struct FlightRecorderOptions {
  std::function<void(FlightEnd end)> on_end = {};
  // Told before on_end, in their order; none of them null.
  std::vector<std::shared_ptr<FlightListener>> listeners = {};
  // How often each process's memory is looked at for on_end, as the loop is driven; a read of one
  // small file for each. Infinite: never.
  absl::Duration memory_every = absl::Seconds(1);

  bool wants_records() const { return on_end != nullptr || !listeners.empty(); }
};

class Flight : public EndWitness {
 public:
  ~Flight() override;

  // Borrowed; -1: there is none.
  int record() const { return record_.get(); }
  // Whether anybody looks at its memory.
  bool samples_memory() const;

  // Of a child of this process, unless it is reaped; `started_at` as StatFields::kStartTime has it,
  // 0: nobody knows.
  void SetPid(pid_t pid, uint64_t started_at = 0);
  void SetType(ProcessType type, std::string role, LaunchedBy by, int64_t begun_at);
  void SetReady();
  // The last value of a key counts.
  void Annotate(std::string key, std::string value);
  // The host is about to end it for that.
  void MissDeadline(std::string why);

  void OnReaped(const ExitStatus& status, const SandboxedChild* sandboxed,
                uint64_t signals_sent) override;

 private:
  friend class FlightRecorder;
  void Forget();
  Flight(std::shared_ptr<FlightRecorder> recorder, uint64_t id)
      : recorder_(std::move(recorder)), id_(id) {}

  const std::shared_ptr<FlightRecorder> recorder_;
  const uint64_t id_;
  bool is_told_ = false;  // of its end, by the thread that has reaped it
  // Nobody changes them while the recorder has this in its map, so who finds it there may read
  // them: they are set before, and the record goes to on_end behind that, on the thread that has
  // reaped.
  UniqueFd record_;
  std::string why_no_record_;
  // The rest behind the recorder's lock.
  ProcessIdentity who_;
  std::string missed_deadline_;
  std::optional<MemorySample> memory_;
  // By the kernel (StatFields::kStartTime), as Follow saw it; where that could not, as the first
  // look at its memory did.
  uint64_t started_at_ = 0;
};

struct OpenedFlight {
  ProcessIdentity who = {};
  UniqueFd record = {};  // its own; closed where the process has none
};

class FlightRecorder : public std::enable_shared_from_this<FlightRecorder> {
 public:
  explicit FlightRecorder(FlightRecorderOptions options) : options_(std::move(options)) {}

  bool is_on() const { return options_.wants_records(); }
  // Infinite where nobody would hear of it.
  absl::Duration memory_every() const {
    return options_.on_end != nullptr ? options_.memory_every : absl::InfiniteDuration();
  }

  // Of a process that is about to be asked for; null where the recorder is off. A record that
  // cannot be made is missing in the end, and costs no launch.
  std::shared_ptr<Flight> Begin();

  // Before the first process is asked for. Tells the listeners.
  void Start(uint64_t build_id);

  // The ids of all that have a flight, which may have ended since.
  std::vector<uint64_t> Living() const;
  // NotFound: it is forgotten. Fails as fcntl(2) does where there is no descriptor to be had.
  absl::StatusOr<OpenedFlight> Open(uint64_t id) const;

  // Looks at the memory of each process that has a flight, without a lock held meanwhile. What has
  // ended keeps what was seen last, and is given no other process's figures, whoever has its pid:
  // another one started at another time.
  void SampleMemory();

 private:
  friend class Flight;

  const FlightRecorderOptions options_;
  uint64_t build_id_ = 0;
  mutable std::mutex mutex_;
  uint64_t last_id_ = 0;
  std::map<uint64_t, Flight*> flights_;
};

// A process's record, borrowed; kNobodyKeepsRecords where `flight` is null, kHasNoRecord where it
// has none.
int RecordOf(const std::shared_ptr<Flight>& flight);

// `process` has come to be, and its end is told to `flight`; null: nobody keeps records. Where its
// memory is to be looked at, this reads when it started (one file of /proc).
void Follow(const std::shared_ptr<Flight>& flight, Process& process);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_FLIGHT_RECORDER_H_
