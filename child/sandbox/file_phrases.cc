#include <string>
#include <utility>

#include "child/sandbox/phrases.h"

namespace forkserver {
namespace {

FileRule ToRead(std::string path) { return {.path = std::move(path), .rights = kMayRead}; }

FileRule ToReadBeneath(std::string path) {
  return {.path = std::move(path), .reach = FileReach::kBeneath, .rights = kMayRead};
}

FileRule Device(std::string path) {
  return {.path = std::move(path), .rights = kMayRead | kMayWrite};
}

}  // namespace

std::vector<FileRule> FilePhrases(std::initializer_list<std::vector<FileRule>> phrases) {
  std::vector<FileRule> files;
  for (const std::vector<FileRule>& phrase : phrases) {
    files.insert(files.end(), phrase.begin(), phrase.end());
  }
  return files;
}

std::vector<FileRule> FontsAndLocales() {
#ifdef __aarch64__
  const std::string converters = "/usr/lib/aarch64-linux-gnu/gconv";
#else
  const std::string converters = "/usr/lib/x86_64-linux-gnu/gconv";
#endif
  return {
      ToReadBeneath("/usr/share/fonts"),
      // Where links of Debian's in it lead.
      ToReadBeneath("/usr/share/poppler/cMap"),
      ToReadBeneath("/usr/local/share/fonts"),
      ToReadBeneath("/etc/fonts"),
      // Where Debian's /etc/fonts/conf.d points to.
      ToReadBeneath("/usr/share/fontconfig"),
      ToReadBeneath("/var/cache/fontconfig"),
      ToReadBeneath("/usr/share/locale"),
      ToReadBeneath("/usr/lib/locale"),
      // Where /usr/share/locale/locale.alias leads.
      ToRead("/etc/locale.alias"),
      // What a locale's character set is converted by: glibc reads these lists even for those that
      // it has in itself. The others are libraries, which a template loads for its children.
      ToRead(converters + "/gconv-modules.cache"),
      ToRead(converters + "/gconv-modules"),
      ToReadBeneath(converters + "/gconv-modules.d"),
      ToReadBeneath("/usr/share/zoneinfo"),
      ToRead("/etc/localtime"),
      ToRead("/etc/timezone"),
  };
}

std::vector<FileRule> HarmlessDevices() {
  return {Device("/dev/null"), ToRead("/dev/zero"), ToRead("/dev/urandom"), ToRead("/dev/random")};
}

std::vector<FileRule> OwnMemoryInProc() {
  return {
      ToRead("/proc/self/maps"),
      ToRead("/proc/self/smaps"),
      ToRead("/proc/self/pagemap"),
      ToRead("/proc/self/stat"),
      ToRead("/proc/self/status"),
      // Whether there is a second thread. To list it: what is in it would be all that /proc/self
      // has, the network's tables among it.
      ToRead("/proc/self/task"),
      // So that core dumps have frozen memory in them.
      {.path = "/proc/self/coredump_filter", .rights = kMayRead | kMayWrite},
  };
}

std::vector<FileRule> NameLookup() {
  return {
      ToRead("/etc/resolv.conf"),
      // Where systemd's resolver has the file that the link above points to.
      ToReadBeneath("/run/systemd/resolve"),
      ToRead("/etc/hosts"),
      ToRead("/etc/host.conf"),
      ToRead("/etc/nsswitch.conf"),
      // Whether it is still the one that it read the file above in, glibc asks each time.
      {.path = "/", .rights = kMayStat},
      ToRead("/etc/gai.conf"),
      ToRead("/etc/services"),
      ToRead("/etc/protocols"),
      ToReadBeneath("/etc/ssl/certs"),
      ToReadBeneath("/usr/share/ca-certificates"),
      // The keys of servers that run on this machine: the rule above does not reach here, and this
      // one says so to whoever widens it.
      {.path = "/etc/ssl/private", .reach = FileReach::kBeneath, .rights = kMayNothing},
  };
}

std::vector<FileRule> GraphicsFiles() {
  std::vector<FileRule> files = {
      {.path = "/dev/dri", .reach = FileReach::kBeneath, .rights = kMayRead | kMayWrite},
      Device("/dev/nvidiactl"),
      Device("/dev/nvidia-modeset"),
      Device("/dev/nvidia-uvm"),
      // libdrm finds a device's driver by its numbers.
      ToReadBeneath("/sys/dev/char"),
      ToReadBeneath("/sys/devices"),
      ToReadBeneath("/sys/class/drm"),
      ToReadBeneath("/usr/share/vulkan"),
      ToReadBeneath("/etc/vulkan"),
      ToReadBeneath("/usr/share/glvnd"),
      ToReadBeneath("/etc/glvnd"),
      ToReadBeneath("/usr/share/drirc.d"),
      ToRead("/etc/drirc"),
      // amdgpu's names of its chips.
      ToReadBeneath("/usr/share/libdrm"),
      // The drivers are libraries, loaded by name.
      ToReadBeneath("/usr/lib"),
      ToReadBeneath("/usr/lib64"),
      ToReadBeneath("/lib"),
      ToReadBeneath("/lib64"),
      ToRead("/etc/ld.so.cache"),
      ToRead("/proc/cpuinfo"),
  };
  // A rule's path is whole: each of NVIDIA's cards by its name.
  for (int card = 0; card < 8; ++card)
    files.push_back(Device("/dev/nvidia" + std::to_string(card)));
  return files;
}

}  // namespace forkserver
