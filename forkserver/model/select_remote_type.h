// The one place that decides in which kind of process something loads: documents, workers, and the
// first process of a new tab.
//
//     const Load load = {.url = *Url::Parse("https://www.example.com/"),
//                        .current = ParentRemoteType()};
//     absl::StatusOr<Selection> selection = SelectRemoteType(load, prefs, list);
//     selection->type.ToString()       // "webIsolated=https://example.com"
//     selection->isolation             // kFull: it leaves the parent
//
// The rules are those of Gecko's process model (firefox-source-docs.mozilla.org/dom/ipc/
// process_model.html), in this order:
//   - javascript: is run where it is and selects nothing: an error. view-source: is what it shows.
//   - chrome: is the parent's. about: pages go by their row (about_pages.h): parent,
//     privilegedabout or web. Those of the parent and of privilegedabout are no frames of others,
//     and only the user, the parent's pages and privileged ones ask for them: neither web content
//     nor a page that nobody names. Error pages stay where the tab is, but never in the
//     parent, which Gecko allows. A program whose parent is to lay out nothing has the parent's
//     pages in a privileged process (Load::parent_pages); who may have them is the same.
//   - about:blank, about:srcdoc and data: have no origin of their own and go where they come from:
//     the initiator, else the owner. data: that the user entered, and what comes from nobody or
//     from the parent, is `web`.
//   - blob: goes to its creator, which must be able to have made what it claims; without one, to
//     where its origin goes. In a document with an embedder policy it needs one as any page does.
//   - An extension's page is `extension`; its frames stay with the document that they are in.
//   - file: and sites of ModelPrefs::file_readers are `file`. The separated domains are
//     `privilegedmozilla`, over https, isolation or not.
//   - http and https: `webCOOP+COEP` for a top-level document with both headers, and for frames and
//     shared workers in one; else `webIsolated`, or `web` with isolation off.
//   - Everything else is `web`.
// The load's attributes are part of every result but the parent, and what is inherited must have
// the same: else it comes from nobody.
//
// Web content in the parent is never a result: that it is not is checked once more at the end, and
// a failure is a bug of this function, which aborts (web_content_check.h).
//
// Pure: no files, no clock, no state. Any thread.
#ifndef FORKSERVER_MODEL_SELECT_REMOTE_TYPE_H_
#define FORKSERVER_MODEL_SELECT_REMOTE_TYPE_H_

#include <stdint.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "forkserver/model/model_prefs.h"
#include "forkserver/model/origin_attributes.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/remote_type.h"
#include "forkserver/model/url.h"

namespace forkserver {

enum class LoadKind : uint8_t {
  kDocument,         // a response has come; its headers count
  kNewTab,           // nothing has: the first guess, without headers
  kDedicatedWorker,  // belongs to its owner and runs there
  kSharedWorker,
  kServiceWorker,
};

enum class FramePosition : uint8_t { kTopLevel, kSubframe };

enum class InitiatedBy : uint8_t { kPage, kUser };

enum class ExtensionRank : uint8_t { kOrdinary, kPrivileged };

// Where the program lays out the pages that are the parent's by their rows, and chrome:.
enum class ParentPages : uint8_t {
  kInParent,
  // In `privilegedabout`, without the load's attributes: they are the program's, whatever the tab
  // is. Nothing that the user or a page has loaded is in the parent then. Rights that pages had for
  // being in the parent they are given by actors (kRemoteTypes), and share with the other pages of
  // that process.
  kInPrivilegedProcess,
};

struct Load {
  Url url;
  LoadKind kind = LoadKind::kDocument;
  FramePosition frame = FramePosition::kTopLevel;
  InitiatedBy initiated_by = InitiatedBy::kPage;
  // Values of the response's headers as they came; empty where there was none. Of blob: those of
  // the document that made it.
  std::string opener_policy = {};    // Cross-Origin-Opener-Policy
  std::string embedder_policy = {};  // Cross-Origin-Embedder-Policy
  OriginAttributes attributes = {};
  // What the frame shows now; blank for a frame that is new.
  RemoteType current = {};
  // The document that this is in or belongs to: of a subframe the parent document, of a worker the
  // one that made it. Those must have one, but for service workers.
  std::optional<RemoteType> owner = {};
  // The document that asked for the load, by the process that it is in: the precursor of whatever
  // has no origin of its own. Where it is not given, a frame's or worker's owner is taken for it; a
  // page of the parent's or of privilegedabout is denied where neither is, unless the user asks.
  std::optional<RemoteType> initiator = {};
  // Of blob: the process that made it, by the parent's record.
  std::optional<RemoteType> blob_creator = {};
  // Of moz-extension, of its blobs too: what the parent knows of the extension.
  ExtensionRank extension = ExtensionRank::kOrdinary;
  // The same in all loads of a program.
  ParentPages parent_pages = ParentPages::kInParent;
};

// kFull: the document gets a browsing context group of its own, and nothing that was in the frame
// can reach it. To and from the parent always, in its own frames too; of tabs also to and from
// `webCOOP+COEP` and `extension`.
enum class Isolation : uint8_t { kNone, kFull };

// Whether this document or worker may have shared memory. Narrower than what its process may
// (ContentProcess::MayShareMemory): in a `webCOOP+COEP` process the frame of an ordinary extension
// may not, though the page around it may, and in `extension` the privileged ones alone may. The
// parent sees processes and not documents, so the child's program is to be told and to hold this
// against its documents. It keeps an honest process honest; one that is broken has what any of its
// documents has. What has no origin of its own (data:, about:blank) counts as the page's in the
// former, and as an ordinary extension's in the latter.
enum class MemorySharing : uint8_t { kNever, kMay };

struct Selection {
  RemoteType type = {};
  Isolation isolation = Isolation::kNone;
  MemorySharing shared_memory = MemorySharing::kNever;
};

// InvalidArgument for what is no load (javascript:, a worker of about:, a top-level about:srcdoc, a
// subframe without owner), PermissionDenied for what would be in a process where it may not be
// ("about:config: not for web content", "about:config: not for a page that nobody names"; a frame
// without embedder policy in a document with one).
absl::StatusOr<Selection> SelectRemoteType(const Load& load, const ModelPrefs& prefs,
                                           const PublicSuffixList& list);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_SELECT_REMOTE_TYPE_H_
