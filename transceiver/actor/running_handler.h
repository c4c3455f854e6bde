// Counts a callback of the actor's that runs, and closes after the last one what wanted that.
#ifndef TRANSCEIVER_ACTOR_RUNNING_HANDLER_H_
#define TRANSCEIVER_ACTOR_RUNNING_HANDLER_H_

#include "transceiver/actor/actor_link.h"

namespace forkserver {

class ActorLink::RunningHandler {
 public:
  explicit RunningHandler(ActorLink& link) : link_(link) { ++link_.running_handlers_; }
  RunningHandler(const RunningHandler&) = delete;
  RunningHandler& operator=(const RunningHandler&) = delete;
  ~RunningHandler() {
    if (--link_.running_handlers_ == 0 && link_.close_soon_) link_.Close();
  }

  // The error of a handler ends the actor otherwise than by the Close that it has asked for.
  void Failed() { link_.close_soon_ = false; }

 private:
  ActorLink& link_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_RUNNING_HANDLER_H_
