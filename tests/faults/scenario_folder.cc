#include "tests/faults/scenario_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/faults/seam.h"

namespace forkserver::testing {
namespace {

// Listens; for as long as the victim runs.
int service = -1;

}  // namespace

std::string Folder() {
  const char* const seam = getenv(kFaultsVariable);
  return std::string(seam != nullptr ? seam : "/tmp/forkserver-faults") + ".files";
}

void PrepareFolder() {
  const std::string folder = Folder();
  mkdir(folder.c_str(), 0700);
  std::ofstream(folder + "/page") << "<title>t</title>";
  unlink((folder + "/link").c_str());
  (void)!symlink("page", (folder + "/link").c_str());
  unlink((folder + "/socket").c_str());
  service = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  strncpy(address.sun_path, (folder + "/socket").c_str(), sizeof(address.sun_path) - 1);
  bind(service, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  listen(service, 16);
}

void RemoveWhatIsLeftOfFiles() {
  for (const std::string& made : {Folder() + "/made", Folder() + "/moved"}) {
    CallPastTheSeam(SYS_unlinkat, AT_FDCWD, (long)made.c_str(), AT_REMOVEDIR);
  }
}

void DropConnections() {
  for (;;) {
    const long connection = CallPastTheSeam(SYS_accept4, service, 0, 0, SOCK_CLOEXEC);
    if (connection < 0) return;
    CallPastTheSeam(SYS_close, connection);
  }
}

}  // namespace forkserver::testing
