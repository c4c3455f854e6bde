#include "examples/browser_host/browser.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "examples/browser_host/page_prefs.h"
#include "examples/browser_host/picture_bounds.h"
#include "examples/browser_host/tab.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/registrable_domain.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

using forkserver::ChildId;
using forkserver::ContentProcess;
using forkserver::ContentProcesses;
using forkserver::ParentProcess;

// So many sites are open at once; as many launches that fail, and none that does not, are the end.
constexpr size_t kMostTabs = 8;

class Browser {
 public:
  Browser(ParentProcess& parent, const forkserver::PublicSuffixList& suffixes,
          const std::vector<Site>& sites, const BrowserOptions& options)
      : parent_(parent),
        sites_(sites),
        options_(options),
        tab_options_(OptionsOfTabs(sites, options)),
        services_(parent, suffixes, options.served, options.network, options.prefs),
        pages_(sites.size()),
        content_(parent, suffixes,
                 [this](ParentProcess& of, ContentProcesses& siblings) {
                   return MakeHost(of, siblings);
                 },
                 {.on_process_end = [this](const ContentProcess& process,
                                           const forkserver::ProcessEnd& end,
                                           const auto&) { OnProcessEnd(process, end); },
                  .embedder_policy_of =
                      [](const ContentProcess& owner, const forkserver::Url& url) {
                        return static_cast<const PageHost&>(owner).frames().EmbedderPolicyOf(url);
                      }}) {}

  absl::StatusOr<BrowserResult> Run() {
    if (options_.paint_width > 0) services_.canvases().Fill();
    while (options_.keeps_open || ended_ < sites_.size() || !content_.processes().empty()) {
      while (MayOpenTab()) OpenTab();
      // What a tab's last page opened may have been its end.
      if (ended_ == sites_.size()) OnAllDone();
      if (ShouldStop()) {
        Stop();
        break;
      }
      if (!options_.keeps_open && ended_ == sites_.size() && content_.processes().empty()) break;
      parent_.loop().Run(forkserver::kNever);
      if (records_.empty() && failed_launches_ >= kMostTabs) return why_none_launches_;
    }
    services_.ShutDown();
    while (services_.are_running()) parent_.loop().Run(forkserver::kNever);
    BrowserResult result;
    for (std::vector<OpenedPage>& of_site : pages_) {
      std::move(of_site.begin(), of_site.end(), std::back_inserter(result.pages));
    }
    for (auto& [id, record] : records_) result.processes.push_back(std::move(record));
    for (EndedProcess& service : services_.TakeEnded()) {
      result.processes.push_back(std::move(service));
    }
    return result;
  }

 private:
  bool ShouldStop() const { return options_.should_stop && options_.should_stop(); }

  // Until the last site's turn is over.
  static BrowserOptions OptionsOfTabs(const std::vector<Site>& sites, BrowserOptions options) {
    options.keeps_open |= !sites.empty() && sites.back().turn == SiteTurn::kLast;
    return options;
  }

  bool MayOpenTab() const {
    const size_t next = tabs_.size();
    if (next == sites_.size() || next - ended_ >= kMostTabs) return false;
    if (ended_ == next) return true;
    return sites_[next].turn == SiteTurn::kBeside && sites_[next - 1].turn == SiteTurn::kBeside;
  }

  void OnAllDone() {
    if (std::exchange(are_all_done_, true)) return;
    if (options_.on_all_done) options_.on_all_done();
    if (options_.keeps_open) return;
    for (const std::unique_ptr<Tab>& tab : tabs_) tab->Close();
  }

  // A process that does not end is killed, by its host.
  void Stop() {
    for (const std::unique_ptr<Tab>& tab : tabs_) tab->Stop();
    content_.CloseAll();
    while (!content_.processes().empty()) parent_.loop().Run(forkserver::kNever);
  }

  void OpenTab() {
    const size_t next = tabs_.size();
    tabs_.push_back(std::make_unique<Tab>(
        content_, services_.loader(), tab_options_, sites_[next], next + 1, pages_[next],
        Tab::Events{.on_last_page =
                        [this](const PageHost& host) {
                          EndedProcess& record = records_[host.id()];
                          record.private_kib = PrivateKib(record.handle.pid);
                        },
                    .on_end = [this] { ++ended_; }}));
    tabs_.back()->OpenNext();
  }

  std::unique_ptr<ContentProcess> MakeHost(ParentProcess& parent, ContentProcesses& siblings) {
    auto host = std::make_unique<PageHost>(parent, siblings, services_);
    host->WhenLaunched(
        [this, &host = *host](const absl::StatusOr<forkserver::ProcessHandle>& handle) {
          if (handle.ok()) {
            records_[host.id()] = {
                .type = "content", .remote_type = host.remote_type().ToString(), .handle = *handle};
          } else {
            ++failed_launches_;
            why_none_launches_ = handle.status();
          }
        });
    return host;
  }

  void OnProcessEnd(const ContentProcess& process, const forkserver::ProcessEnd& end) {
    services_.layers().ForgetProcess(process.id());
    const auto found = records_.find(process.id());
    if (found == records_.end()) return;  // it never ran
    found->second.pages = static_cast<const PageHost&>(process).pages();
    found->second.embedder = static_cast<const PageHost&>(process).embedder();
    found->second.end = end;
  }

  ParentProcess& parent_;
  const std::vector<Site>& sites_;
  const BrowserOptions& options_;
  const BrowserOptions tab_options_;
  PageServices services_;
  std::vector<std::vector<OpenedPage>> pages_;  // of each site
  std::vector<std::unique_ptr<Tab>> tabs_;
  size_t ended_ = 0;
  bool are_all_done_ = false;
  // Of those that were launched. Ids count up.
  std::map<ChildId, EndedProcess> records_;
  size_t failed_launches_ = 0;
  absl::Status why_none_launches_;
  // Its processes are ended first: they call what is above.
  ContentProcesses content_;
};

std::string Images(uint32_t count) { return absl::StrCat(count, " image", count == 1 ? "" : "s"); }

}  // namespace

std::string PictureSizeText(const OpenedPage& page) {
  std::string text = absl::StrCat(page.picture_width, " by ", page.picture_height);
  const uint32_t whole = page.result.page_height;
  if (whole != 0) {
    absl::StrAppend(&text, ", cut: the page is ", whole, whole == kMostPageHeight ? " or more" : "",
                    " high");
  }
  return text;
}

std::string BlockedText(const OpenedPage& page) {
  const uint32_t blocked = page.result.blocked_images;
  if (blocked == 0) return "";
  return absl::StrCat(Images(blocked), ", by ", std::string(kImagePref));
}

std::string UndecodedText(const OpenedPage& page) {
  const uint32_t undecoded = page.result.undecoded_images;
  if (undecoded == 0) return "";
  return absl::StrCat(Images(undecoded), ", first ", page.result.undecoded);
}

bool BrowserResult::all_opened() const {
  return std::all_of(pages.begin(), pages.end(), [](const OpenedPage& page) {
    return page.result.error.empty() && page.result.no_picture.empty();
  });
}

absl::StatusOr<BrowserResult> OpenSites(ParentProcess& parent, const std::vector<Site>& sites,
                                        const BrowserOptions& options) {
  const absl::StatusOr<forkserver::PublicSuffixList> suffixes =
      forkserver::PublicSuffixList::Load();
  if (!suffixes.ok()) return suffixes.status();
  return Browser(parent, *suffixes, sites, options).Run();
}

}  // namespace browser_host
