// What a template below the root is made of, and how it lives.
//
//     ForkServer::Start(argc, argv, {
//         .programs = ...,
//         .warm_ups = {{"fonts", OpenFonts}},                  // of the root: every child has them
//         .templates = {{.name = "content",
//                        .types = {ProcessType::kContent},
//                        .warm_ups = {{"style sheet", ParseStyleSheet}}}}});
//
// A template is forked from its parent, which is warm already, runs its own warm-ups, freezes what
// they dirtied, and forks children that have both. Its name is how launches and reports speak of
// it. With several StartOptions::layouts there is one such process in each, and what is said here
// of start, eviction and pool is said of each.
#ifndef FORKSERVER_HOST_TEMPLATE_OPTIONS_H_
#define FORKSERVER_HOST_TEMPLATE_OPTIONS_H_

#include <stdint.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "child/process_types.h"
#include "child/sandbox/sandbox_options.h"
#include "preload/freeze/freeze_report.h"
#include "preload/warm_up.h"

namespace forkserver {

inline constexpr std::string_view kRootTemplate = "root";

enum class TemplateStart : uint8_t {
  kOnFirstUse,
  kAhead,  // by Start, and the minimum of its pool with it
};

struct TemplateOptions {
  std::string name;                     // not empty, not "root", each once
  std::string parent{kRootTemplate};    // the root, or a template above this one in the list
  std::vector<ProcessType> types = {};  // launches of these come from it; each type once
  std::vector<WarmUp> warm_ups = {};    // in this order
  // How its memory is kept from costing each of its forks (preload/freeze/freeze.h).
  FreezeMethod freeze = FreezeMethod::kMemfd;
  // What its children may do. Of a template below a sandboxed one: what is taken away besides.
  SandboxOptions sandbox = {};
  TemplateStart start = TemplateStart::kOnFirstUse;
  // Ended when nothing was launched from it for that long, and started again on its next use.
  absl::Duration evict_after = absl::InfiniteDuration();
  // How many blanks wait in its pool; nothing: as many as the process types say that it serves.
  std::optional<PoolBounds> pool = {};
};

// InvalidArgument: a name that is empty, taken or "root"; a parent that is no template above it; a
// type that two templates claim or that has no row; bounds that cannot be; a policy or a file rule
// that is none.
absl::Status CheckTemplateOptions(const std::vector<TemplateOptions>& options);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_TEMPLATE_OPTIONS_H_
