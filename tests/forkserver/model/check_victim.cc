// Does what a check may end: `load URL` in the parent, `process TYPE` to be selected.
#include <stdio.h>
#include <sys/resource.h>

#include <string_view>

#include "forkserver/model/remote_type.h"
#include "forkserver/model/select_process.h"
#include "forkserver/model/url.h"
#include "forkserver/model/web_content_check.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const rlimit no_core = {};
  setrlimit(RLIMIT_CORE, &no_core);
  if (std::string_view(argv[1]) == "load") {
    forkserver::CheckParentMayLoad(*forkserver::Url::Parse(argv[2]));
  } else {
    forkserver::SelectProcess({.type = *forkserver::RemoteType::Parse(argv[2])}, {});
  }
  puts("went on");
  return 0;
}
