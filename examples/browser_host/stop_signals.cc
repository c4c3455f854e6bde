#include "examples/browser_host/stop_signals.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "transceiver/errno_status.h"

namespace browser_host {

BlockedStopSignals::BlockedStopSignals() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    // The kernel keeps a signal that is blocked even where it is ignored.
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      sigaddset(&signals_, signal);
    }
  }
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

BlockedStopSignals::~BlockedStopSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

absl::StatusOr<std::unique_ptr<StopSignals>> StopSignals::Watch(forkserver::EventLoop& loop) {
  std::unique_ptr<StopSignals> stop(new StopSignals(loop));
  stop->fd_.reset(signalfd(-1, &stop->blocked_->signals(), SFD_CLOEXEC | SFD_NONBLOCK));
  if (!stop->fd_.is_open()) return forkserver::ErrnoStatus(errno, "signalfd");
  const auto watch =
      loop.Watch(stop->fd_.get(), EPOLLIN, [stop = stop.get()](uint32_t) { stop->OnReadable(); });
  if (!watch.ok()) return watch.status();
  stop->watch_ = *watch;
  return stop;
}

bool StopSignals::Look() {
  if (!signal_) OnReadable();
  return signal_.has_value();
}

void StopSignals::OnReadable() {
  signalfd_siginfo info;
  if (read(fd_.get(), &info, sizeof(info)) != sizeof(info)) return;
  signal_ = static_cast<int>(info.ssi_signo);
  Stop();
}

void StopSignals::Stop() {
  if (watch_ != 0) loop_.Unwatch(std::exchange(watch_, 0));
  blocked_.reset();
}

}  // namespace browser_host
