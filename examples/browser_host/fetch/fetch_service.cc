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

// Beyond its own deadline: its launch, and a machine that is busy.
constexpr absl::Duration kGrace = absl::Seconds(15);
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
  for (const auto& [id, job] : jobs_) parent().loop().CancelTimer(job.late);
}

FetchId SocketHost::Fetch(const FetchRequest& request, Callback callback) {
  const absl::StatusOr<Url> url = Url::Parse(request.url);
  if (!url.ok() || !url->IsHttpFamily()) {
    callback(AboutUrl(request.url, absl::InvalidArgumentError("no URL of http or https")));
    return 0;
  }
  // Of the program's, since a number may be cancelled when its host is gone.
  static std::atomic<FetchId> last_id = 0;
  const FetchId id = ++last_id;
  const FetchPatience& patience = request.patience;
  const absl::Status asked =
      Call(FetchResource{.id = id,
                         .url = url->ToString(),
                         .what = request.what,
                         .connect_millis = Millis(patience.connect),
                         .silence_millis = Millis(patience.silence),
                         .whole_millis = Millis(patience.whole)},
           [this, id](absl::StatusOr<ResourceFetched> answer) { OnAnswer(id, std::move(answer)); });
  if (!asked.ok()) {
    callback(AboutUrl(request.url, asked));
    return 0;
  }
  const int64_t late = forkserver::DeadlineAfter(
      forkserver::NowNanos(),
      absl::ToInt64Nanoseconds(absl::Milliseconds(Millis(patience.whole)) + kGrace));
  jobs_.emplace(id, Job{.url = url->ToString(),
                        .what = request.what,
                        .callback = std::move(callback),
                        .late = parent().loop().AddTimer(late, [this, id] { OnLate(id); })});
  return id;
}

void SocketHost::OnAnswer(FetchId id, absl::StatusOr<ResourceFetched> answer) {
  const auto found = jobs_.find(id);
  // It was late.
  if (found == jobs_.end()) return;
  const Job& job = found->second;
  if (!answer.ok()) return Finish(id, AboutUrl(job.url, answer.status()));
  if (absl::Status good = CheckAnswer(*answer, job.what); !good.ok()) {
    const absl::Status why = absl::InternalError(absl::StrCat("FetchResource: ", good.message()));
    Kill(why);
    return Finish(id, AboutUrl(job.url, why));
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

void SocketHost::OnLate(FetchId id) {
  const absl::Status why = absl::DeadlineExceededError("no word of the socket process");
  if (!IsDebugged()) Kill(why);
  Finish(id, AboutUrl(jobs_.at(id).url, why));
}

void SocketHost::Cancel(FetchId id) {
  // A process that cannot be told is ending, and its fetches with it.
  if (jobs_.contains(id)) Send(StopFetch{.id = id}).IgnoreError();
}

void SocketHost::Finish(FetchId id, absl::StatusOr<Fetched> fetched) {
  const auto found = jobs_.find(id);
  // Killing may have answered it.
  if (found == jobs_.end()) return;
  const Job job = std::move(found->second);
  jobs_.erase(found);
  parent().loop().CancelTimer(job.late);
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
