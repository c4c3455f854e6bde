// Where the child of a launch comes from.
#ifndef FORKSERVER_HOST_LAUNCH_SOURCE_H_
#define FORKSERVER_HOST_LAUNCH_SOURCE_H_

#include "forkserver/host/blank_pool.h"
#include "forkserver/host/template_link.h"

namespace forkserver {

// A blank of the pool, or a fork of the template where there is none; without a template an exec.
struct LaunchSource {
  TemplateLink* link = nullptr;
  BlankPool* pool = nullptr;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCH_SOURCE_H_
