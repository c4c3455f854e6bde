#include "examples/browser_host/fetch/fetcher.h"

#include <sys/epoll.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/clock.h"

namespace browser_host {

using forkserver::DeadlineAfter;
using forkserver::NowNanos;

absl::StatusOr<std::unique_ptr<Fetcher>> Fetcher::Create(forkserver::EventLoop& loop,
                                                         TransferSetup setup) {
  std::unique_ptr<Fetcher> fetcher(new Fetcher(loop, std::move(setup)));
  if (fetcher->multi_ == nullptr) return absl::ResourceExhaustedError("curl_multi_init");
  return fetcher;
}

Fetcher::Fetcher(forkserver::EventLoop& loop, TransferSetup setup)
    : loop_(loop), setup_(std::move(setup)), multi_(Curl().multi_init()) {
  CURLM* const multi = multi_.get();
  if (multi == nullptr) return;
  Curl().multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, OnSocket);
  Curl().multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  Curl().multi_setopt(multi, CURLMOPT_TIMERFUNCTION, OnTimer);
  Curl().multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  Curl().multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, kMostConnectionsPerHost);
  Curl().multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(kMostFetches));
  Curl().multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(kMostFetches));
}

Fetcher::~Fetcher() {
  for (auto& [id, job] : jobs_) {
    loop_.CancelTimer(job.whole);
    if (job.has_place) Curl().multi_remove_handle(multi_.get(), job.transfer->easy());
  }
  jobs_.clear();
  multi_.reset();
  for (const auto& [fd, watch] : watches_) loop_.Unwatch(watch);
  if (timer_ != 0) loop_.CancelTimer(timer_);
}

int Fetcher::OnSocket(CURL*, curl_socket_t fd, int what, void* fetcher, void*) {
  static_cast<Fetcher*>(fetcher)->WatchSocket(fd, what);
  return 0;
}

void Fetcher::WatchSocket(curl_socket_t fd, int what) {
  const auto found = watches_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (found == watches_.end()) return;
    loop_.Unwatch(found->second);
    watches_.erase(found);
    return;
  }
  const uint32_t events = ((what & CURL_POLL_IN) != 0 ? uint32_t{EPOLLIN} : 0) |
                          ((what & CURL_POLL_OUT) != 0 ? uint32_t{EPOLLOUT} : 0);
  if (found != watches_.end()) return loop_.ChangeEvents(found->second, events);
  const absl::StatusOr<forkserver::EventLoop::WatchId> watch =
      loop_.Watch(fd, events, [this, fd](uint32_t ready) {
        Drive(fd, ((ready & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                      ((ready & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                      ((ready & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0));
      });
  // One that cannot be watched ends at its deadline.
  if (watch.ok()) watches_[fd] = *watch;
}

int Fetcher::OnTimer(CURLM*, long millis, void* fetcher) {
  Fetcher& self = *static_cast<Fetcher*>(fetcher);
  if (self.timer_ != 0) self.loop_.CancelTimer(std::exchange(self.timer_, 0));
  if (millis < 0) return 0;
  self.timer_ =
      self.loop_.AddTimer(DeadlineAfter(NowNanos(), millis * forkserver::kNanosPerMilli), [&self] {
        self.timer_ = 0;
        self.Drive(CURL_SOCKET_TIMEOUT, 0);
      });
  return 0;
}

void Fetcher::Drive(curl_socket_t fd, int events) {
  int running = 0;
  Curl().multi_socket_action(multi_.get(), fd, events, &running);
  int left = 0;
  while (const CURLMsg* const message = Curl().multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    // The message is gone with the handle.
    const CURLcode code = message->data.result;
    OnHopEnd(*jobs_.at(Transfer::IdOf(message->easy_handle)).transfer, code);
  }
}

void Fetcher::Fetch(uint64_t id, const FetchOrder& order, Callback callback) {
  if (jobs_.contains(id)) return callback(absl::InvalidArgumentError("a number that is taken"));
  auto transfer = std::make_unique<Transfer>(
      loop_, setup_, id, order, [this, id](absl::Status why) { Finish(id, std::move(why)); });
  if (absl::Status good = transfer->CheckUrl(); !good.ok()) return callback(good);
  const int64_t deadline =
      DeadlineAfter(NowNanos(), absl::ToInt64Nanoseconds(order.patience.whole - order.waited));
  const auto whole = loop_.AddTimer(deadline, [this, id, time = order.patience.whole] {
    const Job& job = jobs_.at(id);
    const std::string seconds = absl::StrFormat("%g s", absl::ToDoubleSeconds(time));
    Finish(id, job.transfer->AtThisHop(absl::DeadlineExceededError(absl::StrCat(
                   job.has_place ? "not all of it within " : "no place for it within ", seconds))));
  });
  jobs_.emplace(
      id, Job{.transfer = std::move(transfer), .callback = std::move(callback), .whole = whole});
  waiting_.push_back(id);
  StartWaiting();
}

void Fetcher::Cancel(uint64_t id) {
  if (jobs_.contains(id)) Finish(id, absl::CancelledError("cancelled"));
}

// One that cannot even begin calls back from here, which leaves its place to the next.
void Fetcher::StartWaiting() {
  if (std::exchange(is_starting_, true)) return;
  for (auto next = waiting_.begin(); next != waiting_.end() && places_ < kMostFetches;) {
    Job& job = jobs_.at(*next);
    size_t& of_its_host = places_by_host_[job.transfer->host()];
    if (of_its_host >= kMostFetchesPerHost) {
      ++next;
      continue;
    }
    ++of_its_host;
    ++places_;
    job.has_place = true;
    waiting_.erase(next);
    BeginHop(*job.transfer);
    // What calls back may have changed the list.
    next = waiting_.begin();
  }
  is_starting_ = false;
}

void Fetcher::BeginHop(Transfer& transfer) {
  const absl::Status begun = transfer.BeginHop();
  if (!begun.ok()) return Finish(transfer.id(), transfer.AtThisHop(begun));
  const CURLMcode added = Curl().multi_add_handle(multi_.get(), transfer.easy());
  if (added != CURLM_OK) {
    Finish(transfer.id(), absl::InternalError(absl::StrCat("curl_multi_add_handle: ",
                                                           Curl().multi_strerror(added))));
  }
}

void Fetcher::OnHopEnd(Transfer& transfer, CURLcode code) {
  // What is asked of the handle stays there until the next hop.
  Curl().multi_remove_handle(multi_.get(), transfer.easy());
  std::optional<absl::StatusOr<FetchAnswer>> answer = transfer.EndHop(code);
  if (!answer) return BeginHop(transfer);
  Finish(transfer.id(), *std::move(answer));
}

void Fetcher::Finish(uint64_t id, absl::StatusOr<FetchAnswer> answer) {
  const auto found = jobs_.find(id);
  const Job job = std::move(found->second);
  jobs_.erase(found);
  loop_.CancelTimer(job.whole);
  if (job.has_place) {
    // Where it is in there.
    Curl().multi_remove_handle(multi_.get(), job.transfer->easy());
    --places_;
    const auto of_its_host = places_by_host_.find(job.transfer->host());
    if (--of_its_host->second == 0) places_by_host_.erase(of_its_host);
  } else {
    waiting_.remove(id);
  }
  job.callback(std::move(answer));
  StartWaiting();
}

}  // namespace browser_host
