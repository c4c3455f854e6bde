// The content side of about:processes and about:config: gives their HTML, made of what the parent
// tells a privileged content process.
//
//     AboutClient about(loop(), {.need_data = [this] {
//       Call(OpenAboutData{}, [this](absl::StatusOr<AboutDataOpened> opened) {
//         opened.ok() ? about_.Connect(std::move(opened->end)) : about_.Fail(opened.status());
//       });
//     }});
//     if (AboutClient::Shows(url)) {                  // of the page that is to be loaded
//       about.Get(url, [](absl::StatusOr<std::string> html) { ... lay it out ... });
//     }
//
// Only in a process of remote type privilegedabout: the parent kills any other one that asks
// (about_host.h). Get is for the address that the process was told by the parent (BrowserOpened),
// and never for one that a page names: an address may edit a pref (about_address.h).
//
// Errors are NotFound and InvalidArgument of the address; DeadlineExceeded after its patience;
// Unavailable where the line ends; the parent's refusal of a list (ResourceExhausted: asked too
// often) or of an edit, which has changed nothing then ("not set: a.b: is locked").
//
// Ownership: borrows the loop. Destroying it drops all callbacks uncalled; a callback may do that.
// Threads: the loop's. After a fork: not usable.
#ifndef EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_CLIENT_H_
#define EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_CLIENT_H_

#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/browser_host/about/about_address.h"
#include "examples/browser_host/about/about_messages.h"
#include "transceiver/event_loop.h"

namespace browser_host {

class AboutClient {
 public:
  struct Options {
    absl::Duration patience = absl::Seconds(10);
    size_t most_pages = 64;
    // There is a page to get and no line; once until Connect or Fail is called.
    std::function<void()> need_data = {};
  };
  using Callback = std::function<void(absl::StatusOr<std::string> html)>;

  // Of one page; others are counted.
  static constexpr size_t kMostShownPrefs = 10'000;

  AboutClient(forkserver::EventLoop& loop, Options options);
  AboutClient(const AboutClient&) = delete;
  AboutClient& operator=(const AboutClient&) = delete;
  ~AboutClient();

  // Whether it is the address of such a page, whatever its query.
  static bool Shows(std::string_view url);
  // Calls back once, in the loop's time, or at once for an address that is none.
  void Get(std::string_view url, Callback callback);

  void Connect(AboutChildsEnd end);
  void Fail(absl::Status why);

  size_t pages() const { return jobs_.size(); }

 private:
  class Line;
  using JobId = uint64_t;
  struct Job {
    AboutAddress address;
    Callback callback;
    forkserver::EventLoop::TimerId timer = 0;
    bool is_begun = false;
    std::string outcome = {};  // of its edit
    std::vector<ProcessField> processes = {};
    std::vector<PrefField> prefs = {};
    size_t all = 0;
    size_t left_out = 0;
  };

  void BeginWaiting();
  void AskForData();
  // Each sends the next message of its job, or finishes it.
  void Begin(JobId id);
  void Edit(JobId id);
  void AskForProcesses(JobId id);
  void AskForPrefs(JobId id, std::optional<forkserver::Text<kMaxPrefNameBytes>> after);
  void OnProcesses(JobId id, absl::StatusOr<ProcessesListed> listed);
  void OnPrefs(JobId id, absl::StatusOr<PrefsListed> listed);
  void OnLineEnd();
  std::vector<JobId> Begun() const;
  // Their line has ended. Goes on with those that wait.
  void Lose(const std::vector<JobId>& lost);
  Job* Find(JobId id);
  // The last that its caller does: the callback may destroy this.
  void Finish(JobId id, absl::StatusOr<std::string> html);

  forkserver::EventLoop& loop_;
  const Options options_;
  std::unique_ptr<Line> line_;
  std::map<JobId, Job> jobs_;
  JobId last_id_ = 0;
  bool has_asked_ = false;
  forkserver::EventLoop::TimerId ask_timer_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_CLIENT_H_
