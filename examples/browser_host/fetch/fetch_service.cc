#include "examples/browser_host/fetch/fetch_service.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "forkserver/model/url.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

using forkserver::UniqueFd;
using forkserver::Url;

// Beyond its own deadline: a machine that is busy, and where it does not run yet its launch, which
// has a deadline of ten seconds.
constexpr absl::Duration kGrace = absl::Seconds(5);
constexpr absl::Duration kGraceForLaunch = absl::Seconds(15);
// Of a URL in an error.
constexpr size_t kMaxNamedBytes = 200;

std::string Named(std::string_view url) {
  if (url.size() <= kMaxNamedBytes) return forkserver::OneLine(url);
  return absl::StrCat(forkserver::OneLine(url.substr(0, kMaxNamedBytes)), "...");
}

// Of what the socket process says itself, the words.
absl::Status AboutUrl(std::string_view url, const absl::Status& why) {
  return absl::Status(
      why.code(), absl::StrCat(Named(url), ": ", forkserver::OneLine(std::string(why.message()))));
}

uint32_t Millis(absl::Duration time) {
  const absl::Duration most = absl::Hours(1);
  return static_cast<uint32_t>(
      absl::ToInt64Milliseconds(std::clamp(time, absl::Milliseconds(1), most)));
}

// A parsed Content-Type and a charset: lower case, without space.
bool IsPlainLowerCase(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) &&
           !absl::ascii_isupper(static_cast<unsigned char>(c));
  });
}

absl::Status CheckBody(int fd, uint64_t size, FetchFor what) {
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return forkserver::ErrnoStatus(errno, "fcntl F_GET_SEALS of a body");
  if ((seals & kSeals) != kSeals) return absl::InvalidArgumentError("a body without its seals");
  struct stat status;
  if (fstat(fd, &status) != 0) return forkserver::ErrnoStatus(errno, "fstat of a body");
  if (size > MaxBodyBytes(what) || static_cast<uint64_t>(status.st_size) != size) {
    return absl::InvalidArgumentError(
        absl::StrCat("a body of ", status.st_size, " bytes, which are said to be ", size));
  }
  return absl::OkStatus();
}

absl::Status CheckAnswer(const ResourceFetched& answer, FetchFor what) {
  const absl::StatusOr<Url> url = Url::Parse(answer.final_url.view());
  if (!url.ok() || !url->IsHttpFamily() || url->ToString() != answer.final_url.view()) {
    return absl::InvalidArgumentError("a final URL that is none of http or https");
  }
  if (answer.http_status < 100 || answer.http_status > 999) {
    return absl::InvalidArgumentError(absl::StrCat("status ", answer.http_status));
  }
  if (!IsPlainLowerCase(answer.content_type) || !IsPlainLowerCase(answer.charset)) {
    return absl::InvalidArgumentError("a content type that is none");
  }
  return CheckBody(answer.body.fd.get(), answer.body_size, what);
}

}  // namespace

SocketHost::~SocketHost() {
  for (const auto& [id, job] : jobs_) parent().loop().CancelTimer(job.timer);
}

FetchId SocketHost::Fetch(const FetchRequest& request, Callback callback) {
  const auto refuse = [&](const absl::Status& why) {
    callback(AboutUrl(request.url, why));
    return FetchId{0};
  };
  const absl::StatusOr<Url> url = Url::Parse(request.url);
  if (!url.ok() || !url->IsHttpFamily()) {
    return refuse(absl::InvalidArgumentError("no URL of http or https"));
  }
  Job job = {.request = request, .callback = callback};
  job.request.url = url->ToString();
  if (job.request.url.size() > kMaxFetchUrlBytes) {
    return refuse(absl::InvalidArgumentError(
        absl::StrCat("a URL of more than ", kMaxFetchUrlBytes, " bytes")));
  }
  if (jobs_.size() >= kMostKeptFetches) {
    return refuse(absl::ResourceExhaustedError(absl::StrCat("too many fetches: ", jobs_.size())));
  }
  // Of the program's, since a number may be cancelled when its host is gone.
  static std::atomic<FetchId> last_id = 0;
  const FetchId id = ++last_id;
  job.deadline = forkserver::DeadlineAfter(
      forkserver::NowNanos(), Millis(request.patience.whole) * forkserver::kNanosPerMilli);
  job.timer = parent().loop().AddTimer(job.deadline, [this, id] { OnNoPlace(id); });
  jobs_.emplace(id, std::move(job));
  waiting_.push_back(id);
  SendWaiting();
  return id;
}

void SocketHost::SendWaiting() {
  while (!waiting_.empty() && sent_ < kMostSentFetches) {
    const FetchId id = waiting_.front();
    Job& job = jobs_.at(id);
    const absl::Status asked = SendJob(id, job);
    if (absl::IsResourceExhausted(asked)) return OnRoom([this] { SendWaiting(); });
    // It has ended, and OnEnd tells all of them.
    if (!asked.ok()) return;
    waiting_.pop_front();
    parent().loop().CancelTimer(job.timer);
    job.is_sent = true;
    ++sent_;
    const int64_t late = forkserver::DeadlineAfter(
        job.deadline, absl::ToInt64Nanoseconds(is_running() ? kGrace : kGraceForLaunch));
    job.timer = parent().loop().AddTimer(late, [this, id] { OnLate(id); });
  }
}

absl::Status SocketHost::SendJob(FetchId id, Job& job) {
  const FetchPatience& patience = job.request.patience;
  const absl::Duration left = absl::Nanoseconds(job.deadline - forkserver::NowNanos());
  return Call(
      FetchResource{.id = id,
                    .url = job.request.url,
                    .what = job.request.what,
                    .connect_millis = Millis(patience.connect),
                    .silence_millis = Millis(patience.silence),
                    .whole_millis = Millis(patience.whole),
                    .waited_millis = Millis(patience.whole) - Millis(left)},
      [this, id](absl::StatusOr<ResourceFetched> answer) { OnAnswer(id, std::move(answer)); });
}

void SocketHost::OnAnswer(FetchId id, absl::StatusOr<ResourceFetched> answer) {
  const auto found = jobs_.find(id);
  // It was late.
  if (found == jobs_.end()) return;
  const FetchRequest& request = found->second.request;
  if (!answer.ok()) return Finish(id, AboutUrl(request.url, answer.status()));
  if (absl::Status good = CheckAnswer(*answer, request.what); !good.ok()) {
    const absl::Status why = absl::InternalError(absl::StrCat("FetchResource: ", good.message()));
    Kill(why);
    return Finish(id, AboutUrl(request.url, why));
  }
  Fetched fetched = {.final_url = answer->final_url.str(),
                     .http_status = answer->http_status,
                     .content_type = answer->content_type.str(),
                     .charset = answer->charset.str(),
                     .opener_policy = answer->opener_policy.str(),
                     .embedder_policy = answer->embedder_policy.str(),
                     // It is a memfd: its last close waits for nobody.
                     .body = UniqueFd(answer->body.fd.release()),
                     .body_size = answer->body_size};
  Finish(id, std::move(fetched));
}

// Those that it was given have heard it of their calls.
void SocketHost::OnEnd(const forkserver::ProcessEnd& end) {
  const absl::Status why = absl::UnavailableError("socket process: " + end.ToString());
  const std::weak_ptr<bool> alive = alive_;
  waiting_.clear();
  while (!alive.expired() && !jobs_.empty()) {
    const auto& [id, job] = *jobs_.begin();
    Finish(id, AboutUrl(job.request.url, why));
  }
}

void SocketHost::OnNoPlace(FetchId id) {
  waiting_.remove(id);
  const FetchRequest& request = jobs_.at(id).request;
  Finish(id, AboutUrl(request.url, absl::DeadlineExceededError("no place for it in time")));
}

void SocketHost::OnLate(FetchId id) {
  const absl::Status why = absl::DeadlineExceededError("no word of the socket process");
  if (!IsDebugged()) Kill(why);
  Finish(id, AboutUrl(jobs_.at(id).request.url, why));
}

void SocketHost::Cancel(FetchId id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  // A process that cannot be told is ending, and its fetches with it.
  if (found->second.is_sent) return Send(StopFetch{.id = id}).IgnoreError();
  waiting_.remove(id);
  Finish(id, AboutUrl(found->second.request.url, absl::CancelledError("cancelled")));
}

void SocketHost::Finish(FetchId id, absl::StatusOr<Fetched> fetched) {
  const auto found = jobs_.find(id);
  // Killing may have answered it.
  if (found == jobs_.end()) return;
  const Job job = std::move(found->second);
  jobs_.erase(found);
  parent().loop().CancelTimer(job.timer);
  if (job.is_sent) --sent_;
  SendWaiting();
  job.callback(std::move(fetched));
}

forkserver::ServiceOptions SocketServiceOptions(const FetchSetup& setup) {
  return {.launch = {.arguments = setup.ToArguments()}};
}

FetchId Fetch(FetchService& service, const FetchRequest& request,
              std::function<void(absl::StatusOr<Fetched> fetched)> callback) {
  const absl::StatusOr<SocketHost*> host = service.Need();
  if (host.ok()) return (*host)->Fetch(request, std::move(callback));
  callback(AboutUrl(request.url, host.status()));
  return 0;
}

void CancelFetch(FetchService& service, FetchId id) {
  if (id == 0) return;
  if (const absl::StatusOr<SocketHost*> host = service.Need(); host.ok()) (*host)->Cancel(id);
}

}  // namespace browser_host
