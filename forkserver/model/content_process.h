// The parent's side of a content process, as ContentProcesses keeps it: a host with a remote type
// and browsers. Programs derive from ContentHost (content_host.h), which adds their protocol.
#ifndef FORKSERVER_MODEL_CONTENT_PROCESS_H_
#define FORKSERVER_MODEL_CONTENT_PROCESS_H_

#include <stdint.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/process/content_bridge.h"
#include "forkserver/model/browser_records.h"
#include "forkserver/model/process_host_core.h"
#include "transceiver/actor/endpoint.h"
#include "transceiver/actor/shared_memory.h"
#include "transceiver/token_bucket.h"

namespace forkserver {

class ContentProcesses;

class ContentProcess : public ProcessHostCore {
 public:
  ContentProcesses& siblings() const { return siblings_; }
  // By which it hangs below another content process; 0: by none, and loads come to it.
  BridgeId bridge() const { return bridge_; }
  // Whether it may have memory that others write to (webCOOP+COEP and `extension`). Not each of its
  // documents may be given it: of extensions, in either, those of privileged ones only
  // (Selection::shared_memory).
  bool MayShareMemory() const;
  // PermissionDenied where it may not: "content 3 (web) may share no memory".
  absl::Status CheckMayShareMemory() const;
  // Memory for a message to it. PermissionDenied where it may not have any; else as
  // memfd_create(2).
  absl::StatusOr<WritableMemory> CreateSharedMemory(std::string_view name, size_t size) const;

  // Holds a claim against the parent's record of its browser. ContentHost does so with each message
  // before its handler has it; for a claim in another form, as text, a handler that gets an error
  // refuses what was asked, and returns FaultOf the error, for which the child is killed where the
  // claim was false. Of its port only: what comes over another socket has no order to the close of
  // a browser, and would be false where it was late. A line that says which browser it is for is
  // given its endpoint by the port, beside the claim.
  absl::Status Check(const BrowserClaim& claim) const;
  static absl::Status FaultOf(const absl::Status& status) {
    return IsFault(status) ? status : absl::OkStatus();
  }

 protected:
  ContentProcess(ParentProcess& parent, ContentProcesses& siblings)
      : ProcessHostCore(parent, ProcessType::kContent), siblings_(siblings) {}

  // It has ended, and none of its browsers is left. Destroyed right after.
  virtual void OnContentEnd(const ProcessEnd&) {}

  // What the typed part sends. Those that fail have ended, or are about to.
  virtual absl::Status SendBrowserOpened(BrowserId browser, const BrowserRecord& record,
                                         std::string_view url) = 0;
  // Of these two the typed part hears when the process has confirmed, and says so (BrowserRecords,
  // NestedContent).
  virtual absl::Status SendBrowserClosed(BrowserId browser) = 0;
  virtual absl::Status SendBridgeClosed(BridgeId bridge) = 0;
  virtual absl::Status SendAttachBridge(BridgeId bridge,
                                        Endpoint<ContentBridge, Side::kChild> end) = 0;

 private:
  friend class ContentProcesses;
  friend class NestedContent;

  void OnEnd(const ProcessEnd& end) final;

  ContentProcesses& siblings_;
  BridgeId bridge_ = 0;
  ChildId owner_ = 0;  // of the bridge, also when that is closed
  TokenBucket nested_launches_;
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_CONTENT_PROCESS_H_
