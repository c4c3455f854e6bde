#include "examples/browser_host/about/about_client.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "examples/browser_host/about/about_html.h"
#include "transceiver/actor/actor.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

std::string Lower(std::string_view text) {
  return absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
}

bool IsInName(std::string_view filter, const PrefField& pref) {
  return Lower(pref.name.view()).find(Lower(filter)) != std::string::npos;
}

}  // namespace

class AboutClient::Line
    : public forkserver::Actor<AboutClient::Line, AboutData, forkserver::Side::kChild> {
 public:
  explicit Line(AboutClient& client) : client_(client) {}
  void ActorDestroy(const forkserver::ActorEnd&) override { client_.OnLineEnd(); }

 private:
  AboutClient& client_;
};

AboutClient::AboutClient(forkserver::EventLoop& loop, Options options)
    : loop_(loop), options_(std::move(options)) {}

AboutClient::~AboutClient() {
  if (ask_timer_ != 0) loop_.CancelTimer(ask_timer_);
  for (const auto& [id, job] : jobs_) loop_.CancelTimer(job.timer);
}

bool AboutClient::Shows(std::string_view url) {
  return !absl::IsNotFound(ParseAboutAddress(url).status());
}

void AboutClient::Get(std::string_view url, Callback callback) {
  absl::StatusOr<AboutAddress> address = ParseAboutAddress(url);
  if (!address.ok()) return callback(address.status());
  if (jobs_.size() >= options_.most_pages) {
    return callback(
        absl::ResourceExhaustedError(absl::StrCat(jobs_.size(), " pages wait already")));
  }
  const JobId id = ++last_id_;
  Job job = {.address = *std::move(address), .callback = std::move(callback)};
  job.timer =
      loop_.AddTimer(forkserver::DeadlineAfter(forkserver::NowNanos(),
                                               absl::ToInt64Nanoseconds(options_.patience)),
                     [this, id] { Finish(id, absl::DeadlineExceededError("no answer in time")); });
  jobs_.emplace(id, std::move(job));
  BeginWaiting();
}

void AboutClient::Connect(AboutChildsEnd end) {
  has_asked_ = false;
  const std::vector<JobId> lost = Begun();
  // With its calls, which are told below.
  line_ = std::make_unique<Line>(*this);
  if (absl::Status bound = line_->Bind(loop_, std::move(end)); !bound.ok()) {
    line_.reset();
    return Fail(std::move(bound));
  }
  Lose(lost);
}

std::vector<AboutClient::JobId> AboutClient::Begun() const {
  std::vector<JobId> begun;
  for (const auto& [id, job] : jobs_) {
    if (job.is_begun) begun.push_back(id);
  }
  return begun;
}

void AboutClient::Lose(const std::vector<JobId>& lost) {
  const std::weak_ptr<bool> alive = alive_;
  for (const JobId id : lost) {
    Finish(id, absl::UnavailableError("the parent has hung up"));
    if (alive.expired()) return;
  }
  BeginWaiting();
}

void AboutClient::Fail(absl::Status why) {
  has_asked_ = false;
  const std::weak_ptr<bool> alive = alive_;
  // Not those that are asked for meanwhile.
  const JobId last = last_id_;
  while (!alive.expired() && !jobs_.empty() && jobs_.begin()->first <= last) {
    Finish(jobs_.begin()->first, why);
  }
}

void AboutClient::OnLineEnd() {
  line_.reset();
  Lose(Begun());
}

void AboutClient::BeginWaiting() {
  std::vector<JobId> waiting;
  for (const auto& [id, job] : jobs_) {
    if (!job.is_begun) waiting.push_back(id);
  }
  if (waiting.empty()) return;
  if (line_ == nullptr) return AskForData();
  const std::weak_ptr<bool> alive = alive_;
  for (const JobId id : waiting) {
    Begin(id);
    if (alive.expired()) return;
  }
}

// In the loop's next turn: whoever answers it at once, by Fail, destroys nothing under our feet.
void AboutClient::AskForData() {
  if (std::exchange(has_asked_, true) || !options_.need_data) return;
  ask_timer_ = loop_.AddTimer(forkserver::NowNanos(), [this] {
    ask_timer_ = 0;
    if (line_ == nullptr) options_.need_data();
  });
}

void AboutClient::Begin(JobId id) {
  Job* const job = Find(id);
  if (job == nullptr) return;
  job->is_begun = true;
  if (job->address.page == AboutAddress::Page::kProcesses) return AskForProcesses(id);
  if (job->address.edit) return Edit(id);
  AskForPrefs(id, std::nullopt);
}

void AboutClient::Edit(JobId id) {
  const PrefEdit& edit = *Find(id)->address.edit;
  const absl::Status asked = line_->Call(
      SetPref{.name = edit.name, .kind = edit.kind, .value = edit.value},
      [this, id](const absl::StatusOr<PrefSet>& set) {
        Job* const job = Find(id);
        if (job == nullptr) return;
        // Whether it was set nobody knows.
        if (absl::IsUnavailable(set.status())) return Finish(id, set.status());
        if (!set.ok()) {
          return Finish(id, absl::Status(set.status().code(),
                                         absl::StrCat("not set: ", set.status().message())));
        }
        job->outcome = absl::StrCat(forkserver::OneLine(job->address.edit->name), " is set.");
        AskForPrefs(id, std::nullopt);
      });
  // Over the limits of a message, among others.
  if (!asked.ok()) Finish(id, asked);
}

void AboutClient::AskForProcesses(JobId id) {
  const absl::Status asked = line_->Call(
      GetProcesses{.first = static_cast<uint32_t>(Find(id)->processes.size())},
      [this, id](absl::StatusOr<ProcessesListed> listed) { OnProcesses(id, std::move(listed)); });
  if (!asked.ok()) Finish(id, asked);
}

void AboutClient::OnProcesses(JobId id, absl::StatusOr<ProcessesListed> listed) {
  Job* const job = Find(id);
  if (job == nullptr) return;
  if (!listed.ok()) return Finish(id, listed.status());
  for (ProcessField& row : listed->rows.items) job->processes.push_back(std::move(row));
  // A piece that brings nothing ends it.
  if (job->processes.size() < listed->count && !listed->rows.items.empty()) {
    return AskForProcesses(id);
  }
  Finish(id, ProcessesHtml({.rows = job->processes, .left_out = listed->left_out}));
}

void AboutClient::AskForPrefs(JobId id, std::optional<forkserver::Text<kMaxPrefNameBytes>> after) {
  const absl::Status asked = line_->Call(
      GetPrefs{.after = std::move(after)},
      [this, id](absl::StatusOr<PrefsListed> listed) { OnPrefs(id, std::move(listed)); });
  if (!asked.ok()) Finish(id, asked);
}

void AboutClient::OnPrefs(JobId id, absl::StatusOr<PrefsListed> listed) {
  Job* const job = Find(id);
  if (job == nullptr) return;
  if (!listed.ok()) return Finish(id, listed.status());
  job->all += listed->prefs.items.size() + listed->left_out;
  job->left_out += listed->left_out;
  std::optional<forkserver::Text<kMaxPrefNameBytes>> last;
  const AboutAddress& address = job->address;
  for (PrefField& pref : listed->prefs.items) {
    last = pref.name;
    const bool is_edited = address.edit && pref.name == std::string_view(address.edit->name);
    // Of an edit without a filter, what was edited.
    const bool is_wanted = address.edit && address.filter.empty()
                               ? is_edited
                               : is_edited || IsInName(address.filter, pref);
    if (!is_wanted) continue;
    if (job->prefs.size() < kMostShownPrefs) {
      job->prefs.push_back(std::move(pref));
    } else {
      ++job->left_out;
    }
  }
  if (!listed->is_last && last) return AskForPrefs(id, std::move(last));
  Finish(id, PrefsHtml({.prefs = job->prefs,
                        .filter = job->address.filter,
                        .all = job->all,
                        .left_out = job->left_out,
                        .outcome = job->outcome}));
}

AboutClient::Job* AboutClient::Find(JobId id) {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

void AboutClient::Finish(JobId id, absl::StatusOr<std::string> html) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  const Job job = std::move(found->second);
  jobs_.erase(found);
  loop_.CancelTimer(job.timer);
  job.callback(std::move(html));
}

}  // namespace browser_host
