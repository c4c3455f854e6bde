// What content processes have from the parent besides their pages: bytes, and the services whose
// processes work on them, one for all pages.
//
//     PageServices services(parent, suffixes, ServedSites(pages.served), network, &prefs);
//     services.loader().Load(...);                    // and so on, from the hosts
//     services.ShutDown();
//     while (services.are_running()) loop.Run(kNever);
//     std::vector<EndedProcess> ended = services.TakeEnded();
//
// A service's process is launched by the first who needs it. Threads: the loop's.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_SERVICES_H_
#define EXAMPLES_BROWSER_HOST_PAGE_SERVICES_H_

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/about/about_host.h"
#include "examples/browser_host/about/about_messages.h"
#include "examples/browser_host/canvas_pool.h"
#include "examples/browser_host/compose/compositor_service.h"
#include "examples/browser_host/compose/layer_tree.h"
#include "examples/browser_host/decode/decoder_host.h"
#include "examples/browser_host/ended_process.h"
#include "examples/browser_host/fetch/fetch_bounds.h"
#include "examples/browser_host/fetch/fetch_service.h"
#include "examples/browser_host/fetch/fetch_setup.h"
#include "examples/browser_host/load/loader.h"
#include "examples/browser_host/load/served_sites.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/service_process.h"
#include "preload/prefs/prefs_store.h"

namespace browser_host {

class PageServices {
 public:
  // `suffixes` and `prefs` are borrowed; without the latter about:config has none. `network`: what
  // the socket process's template was given, too.
  PageServices(forkserver::ParentProcess& parent, const forkserver::PublicSuffixList& suffixes,
               ServedSites served, FetchSetup network, forkserver::PrefsStore* prefs = nullptr);
  PageServices(const PageServices&) = delete;
  PageServices& operator=(const PageServices&) = delete;

  const Loader& loader() const { return loader_; }
  DecoderService& decoder() { return decoder_; }
  CompositorService& compositor();
  // As AboutHost::Open.
  absl::StatusOr<AboutChildsEnd> OpenAboutData(const forkserver::ProcessHostCore& process);
  CanvasPool& canvases() { return canvases_; }
  LayerTree& layers() { return layers_; }
  const forkserver::PublicSuffixList& suffixes() const { return suffixes_; }

  // Asks their processes to end.
  void ShutDown();
  bool are_running() const { return !running_.empty(); }
  // Those that have ended, in the order of their launches.
  std::vector<EndedProcess> TakeEnded();

 private:
  // With what reports want of its processes.
  forkserver::ServiceOptions Recorded(forkserver::ProcessType type,
                                      forkserver::ServiceOptions options);

  LoadId FetchFromNetwork(const forkserver::Url& url, FetchFor what,
                          const Loader::Callback& callback);

  forkserver::ParentProcess& parent_;
  const forkserver::PublicSuffixList& suffixes_;
  CanvasPool canvases_;
  LayerTree layers_;
  forkserver::PrefsStore no_prefs_;
  AboutHost about_;
  const FetchSetup network_setup_;
  const Loader loader_;
  std::map<forkserver::ProcessType, EndedProcess> running_;  // of each type one at most
  std::map<forkserver::ChildId, EndedProcess> ended_;        // ids count up
  DecoderService decoder_;
  // Their types' rows have them launched as soon as they are made.
  std::optional<FetchService> network_;
  std::optional<CompositorService> compositor_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_SERVICES_H_
