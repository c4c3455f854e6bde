// The base class of a content process that talks by typed messages: a ChildProcess
// (child_process.h) that has handlers for the four messages which every content process is sent
// (content_messages.h). ContentHost (forkserver/model/content_host.h) is its other side.
//
//     class PageChild : public ContentChild<PageChild, PageProtocol> {
//      public:
//       using ContentChild::ContentChild;
//       using ContentChild::Receive;                             // what all content protocols have
//       absl::Status Receive(LoadPage& message) { ... }          // what this one has
//       absl::Status Receive(BrowserOpened& message) { ... }     // in the place of the default
//     };
//
// What the defaults do:
//
//     BrowserOpened   nothing. A child that sends claims keeps message.as, which is what it is to
//                     say of that browser.
//     BrowserClosed   Done. One that kept the browser forgets it first: what it says in that
//                     browser's name after Done kills it.
//     BridgeClosed    Done.
//     AttachBridge    the end is dropped, and the owner's end of the bridge ends with it. One that
//                     is to be nested below others binds it to an actor.
//
// Some of them can be had here and others not: a handler of the class's own takes the place of the
// default for its message, and of no other. Ownership, threads, errors: as of ChildProcess.
#ifndef CHILD_PROCESS_CONTENT_CHILD_H_
#define CHILD_PROCESS_CONTENT_CHILD_H_

#include "absl/status/status.h"
#include "child/process/child_process.h"
#include "child/process/content_messages.h"
#include "transceiver/actor/resolver.h"

namespace forkserver {

template <typename Self, typename Protocol>
class ContentChild : public ChildProcess<Self, Protocol> {
 public:
  using ChildProcess<Self, Protocol>::ChildProcess;
  using ChildProcess<Self, Protocol>::Receive;

  // A function of the derived class hides one that it has by `using` where the parameters of both
  // are the same ([namespace.udecl]): so these are functions and no template.
  absl::Status Receive(BrowserOpened&) { return absl::OkStatus(); }
  absl::Status Receive(BrowserClosed&, Resolver<Done> resolver) { return resolver.Resolve({}); }
  // The message, and the end with it, lives as long as its handler runs.
  absl::Status Receive(AttachBridge&) { return absl::OkStatus(); }
  absl::Status Receive(BridgeClosed&, Resolver<Done> resolver) { return resolver.Resolve({}); }
};

}  // namespace forkserver

#endif  // CHILD_PROCESS_CONTENT_CHILD_H_
