// Where the child of a launch comes from.
#ifndef FORKSERVER_HOST_LAUNCH_SOURCE_H_
#define FORKSERVER_HOST_LAUNCH_SOURCE_H_

#include <stddef.h>
#include <stdint.h>

#include <string_view>
#include <vector>

#include "child/sandbox/sandbox_layer.h"
#include "child/sandbox/sandbox_policy.h"
#include "forkserver/host/blank_pool.h"
#include "forkserver/host/plan_message.h"
#include "forkserver/host/sandbox_host.h"
#include "forkserver/host/template_link.h"

namespace forkserver {

// What an exec'ed child is to engage by itself: what it would have inherited of its template.
struct SandboxOfExec {
  std::vector<SandboxPolicyId> policies = {};  // the outermost first
  SandboxLayers required = 0;
  SandboxHost* host = nullptr;  // null: it is not to be sandboxed
  size_t template_index = 0;    // of its rules there
};

// What a launch does whose template is found dead when it is asked.
enum class WithoutTemplate : uint8_t { kFail, kExec };

// A blank of the pool, or a fork of the template where there is none; without a template an exec.
struct LaunchSource {
  TemplateLink* link = nullptr;
  std::string_view template_name = {};  // of `link`; borrowed of the TemplateSet
  int layout = 0;
  BlankPool* pool = nullptr;
  SandboxOfExec sandbox = {};                  // of an exec, or of one in place of a fork
  ParentThread parent = ParentThread::kStart;  // of what the template forks
  WithoutTemplate without_template = WithoutTemplate::kFail;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCH_SOURCE_H_
