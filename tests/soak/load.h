// Launches of a Mix, kMostInFlight at a time, each seen to its end.
//
//     Load load(server, {.launches = 20'000, .seed = 1});
//     absl::Status driven = load.Run();
//     load.ledger().lost()
//
// A launch is in flight from its request to its status. Hung children are killed when more than a
// few of them hang, the one that has hung longest first, or when nothing else is in flight. The
// server's loop is driven as an embedder does it, from another epoll.
//
// A pool forks no blank while launches that fork are under way, which under such a load is always.
// So every kWave launches nothing is begun until those under way are Ready and the pools have
// filled; the next launches take the blanks. That is also when the row is measured; its launches
// are none of the ledger's.
//
// Ownership: borrows the server. Its callbacks may come as long as the server lives, and are
// ignored when the load is gone. Threads: one.
#ifndef TESTS_SOAK_LOAD_H_
#define TESTS_SOAK_LOAD_H_

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "forkserver/host/fork_server.h"
#include "tests/soak/latencies.h"
#include "tests/soak/ledger.h"
#include "tests/soak/mix.h"

namespace forkserver::soak {

inline constexpr char kSandboxedTemplate[] = "sandboxed";
inline constexpr size_t kMostInFlight = 64;
inline constexpr size_t kWave = 256;
inline constexpr PoolBounds kPool = {.min = 16, .max = 16};

struct LoadOptions {
  size_t launches = 0;
  uint64_t seed = 1;
  // Given up when no launch began or ended for so long, naming what is open.
  absl::Duration patience = absl::Seconds(30);
  // Given up after that in any case.
  absl::Duration at_most = absl::InfiniteDuration();
  std::function<void(size_t ended)> on_progress = {};  // after every turn of the loop
};

class Load {
 public:
  Load(ForkServer& server, LoadOptions options);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();

  // DeadlineExceeded, with what is open by name: "launch 412 (pooled hang): waits for Ready; ...".
  absl::Status Run();

  const Ledger& ledger() const { return ledger_; }
  // Lone launches, a few before each wave, by tenths of the run.
  const Latencies& first_tenth() const { return tenths_.front(); }
  const Latencies& last_tenth() const { return tenths_.back(); }
  size_t ready_from_pool() const { return from_pool_; }
  size_t ready_sandboxed() const { return sandboxed_; }
  // By how they ended: exited, SIGSEGV, SIGKILL, cancelled.
  size_t crashed() const { return crashed_; }
  size_t killed() const { return killed_; }
  size_t hung_up() const { return hung_up_; }
  size_t cancelled() const { return cancelled_; }

 private:
  enum class Waits : uint8_t { kReady, kKill, kHangUp, kExit };

  struct Open {
    size_t launch = 0;
    PlannedLaunch planned = {};
    Waits waits = Waits::kReady;
    LaunchId id = 0;
    UniqueFd hold = {};    // the host's end of kHoldDescriptor, while the child is to live
    UniqueFd socket = {};  // watched, until the child has closed its end
    std::optional<Process> process = {};
  };

  absl::Status Watch(int fd, uint64_t data);
  absl::Status Turn();
  void BeginMore();
  absl::Status TimeLoneLaunches();
  bool PoolsAreFull() const;
  void Begin();
  LaunchOptions OptionsOf(const PlannedLaunch& planned, const UniqueFd& held) const;
  void OnReady(size_t launch, absl::StatusOr<LaunchedChild> child);
  void OnHangUp(size_t launch);
  void Reap(Open& open);
  void OnExit(size_t launch, const absl::StatusOr<ExitStatus>& status);
  void End(size_t launch, AsExpected expected, const std::string& how);
  void KillTheHung();
  void CancelTheLate();
  Open* Find(size_t launch);
  std::string ListOpen() const;

  ForkServer& server_;
  const LoadOptions options_;
  const std::shared_ptr<Load*> self_ = std::make_shared<Load*>(this);
  Mix mix_;
  Ledger ledger_;
  UniqueFd epoll_;
  std::array<std::optional<Open>, kMostInFlight> open_;
  size_t in_flight_ = 0;
  size_t unready_ = 0;
  size_t until_wave_ = kWave;
  std::deque<size_t> hung_;
  std::vector<size_t> to_cancel_;
  std::array<Latencies, 10> tenths_;
  int64_t last_move_ = 0;
  absl::Status failure_;
  size_t from_pool_ = 0;
  size_t sandboxed_ = 0;
  size_t crashed_ = 0;
  size_t killed_ = 0;
  size_t hung_up_ = 0;
  size_t cancelled_ = 0;
};

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_LOAD_H_
