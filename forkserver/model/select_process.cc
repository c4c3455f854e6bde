#include "forkserver/model/select_process.h"

#include <stdio.h>
#include <stdlib.h>

namespace forkserver {

ProcessChoice SelectProcess(const ProcessRequest& request, std::span<const LiveProcess> live) {
  if (RowOf(request.type.kind).limit_pref.empty()) {
    fprintf(stderr, "SelectProcess: asked for a process of type %s\n",
            request.type.ToString().c_str());
    abort();
  }
  if (request.of_group && *request.of_group < live.size() &&
      live[*request.of_group].type == request.type) {
    return {.action = ProcessAction::kReuse, .index = *request.of_group};
  }
  std::optional<size_t> least;
  int32_t count = 0;
  for (size_t i = 0; i < live.size(); ++i) {
    if (live[i].type != request.type) continue;
    ++count;
    if (!least || live[i].browsers < live[*least].browsers) least = i;
  }
  if (least && (live[*least].browsers <= 0 || count >= request.limit)) {
    return {.action = ProcessAction::kReuse, .index = *least};
  }
  return {.action = ProcessAction::kLaunch};
}

}  // namespace forkserver
