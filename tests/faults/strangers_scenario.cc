#include "tests/faults/strangers_scenario.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/faults/seam.h"
#include "tests/faults/victim_program.h"
#include "transceiver/close_strangers.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

// The other end of the pipe is closed wherever it was.
absl::Status WaitForHangUp(const UniqueFd& pipe, absl::Duration patience) {
  pollfd end = {.fd = pipe.get(), .events = 0, .revents = 0};
  const timespec time = absl::ToTimespec(patience);
  const long ready = CallPastTheSeam(SYS_ppoll, (long)&end, 1, (long)&time);
  if (ready < 0) return ErrnoStatus(static_cast<int>(-ready), "ppoll");
  return ready > 0 ? absl::OkStatus() : absl::InternalError("the descriptor is still open");
}

// Of the child's that has ended: with the pipe's writing end in a message, and nowhere else.
absl::StatusOr<UniqueFd> LaunchAndBeLeft(ForkServer& server, UniqueFd writing,
                                         absl::Duration patience) {
  LaunchOptions options = {.type = ProcessType::kUtility, .argv = {"leave"}, .timeout = patience};
  options.Map(writing.get(), kLeftDescriptor);
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return child.status();
  const absl::StatusOr<ExitStatus> end = child->process.Wait(patience);
  if (!end.ok()) return end.status();
  if (end->kind != ExitStatus::Kind::kExited || end->code != 0) {
    return absl::InternalError("the child " + end->ToString());
  }
  return std::move(child->socket);
}

}  // namespace

void CloseWhatAChildLeft(ForkServer& server, Round& round, absl::Duration patience) {
  FaultSeam& seam = TheFaultSeam();
  seam.mode.store(SeamMode::kOff);
  int ends[2];
  const long made = CallPastTheSeam(SYS_pipe2, (long)ends, O_CLOEXEC);
  if (made < 0) {
    round.Note("pipe", ErrnoStatus(static_cast<int>(-made), "pipe2"));
    return;
  }
  const UniqueFd reading(ends[0]);
  absl::StatusOr<UniqueFd> socket = LaunchAndBeLeft(server, UniqueFd(ends[1]), patience);
  if (!round.Note("launch", socket.status())) return;
  seam.mode.store(SeamMode::kWatching);
  CloseStrangersSocket(*std::move(socket));
  seam.mode.store(SeamMode::kOff);
  round.Note("what was left is closed", WaitForHangUp(reading, patience));
}

}  // namespace forkserver::testing
