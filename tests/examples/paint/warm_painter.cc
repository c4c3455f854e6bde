// Warms the painter up as a template does, gives up the system calls that open files, start threads
// or processes and connect, and paints pages as a process does that was forked from it. A call that
// it gave up kills it. Prints what it found.
#include <dirent.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/paint/fonts.h"
#include "examples/browser_host/paint/painter.h"
#include "examples/browser_host/paint/warm_up.h"

namespace {

size_t CountEntries(const char* folder) {
  DIR* entries = opendir(folder);
  size_t count = 0;
  while (const dirent* entry = readdir(entries)) count += entry->d_name[0] != '.' ? 1 : 0;
  closedir(entries);
  return count;
}

bool GiveUpCalls() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  bool is_right = filter != nullptr;
  for (const int call : {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(clone),
                         SCMP_SYS(clone3), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(socket),
                         SCMP_SYS(stat), SCMP_SYS(access), SCMP_SYS(memfd_create)}) {
    is_right = is_right && seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, call, 0) == 0;
  }
  return is_right && seccomp_load(filter) == 0;
}

bool Paint(const std::string& html) {
  absl::StatusOr<std::unique_ptr<browser_host::PagePainter>> page =
      browser_host::PagePainter::Create({.html = html, .url = "https://a.test/"}, {});
  if (!page.ok() || !(*page)->Layout().ok()) return false;
  const int width = (*page)->pixel_width(), height = (*page)->pixel_height();
  std::vector<uint32_t> pixels(static_cast<size_t>(width) * static_cast<size_t>(height));
  if (!(*page)
           ->PaintInto({.argb = pixels.data(),
                        .width = width,
                        .height = height,
                        .stride = static_cast<size_t>(width) * 4})
           .ok()) {
    return false;
  }
  size_t dark = 0;
  for (const uint32_t pixel : pixels) dark += (pixel & 0xff) < 128 ? 1 : 0;
  return dark > 100;
}

}  // namespace

int main() {
  const size_t descriptors = CountEntries("/proc/self/fd");
  const bool has_fonts = browser_host::Fonts::OfThisProcess().ok();
  printf("fonts: %s, threads: %zu\n", has_fonts ? "ok" : "none", CountEntries("/proc/self/task"));
  const absl::Status warm = browser_host::WarmUpPainter();
  printf("warm-up: %s\n", warm.ok() ? "ok" : std::string(warm.message()).c_str());
  printf("threads: %zu\n", CountEntries("/proc/self/task"));
  printf("descriptors left: %zu\n", CountEntries("/proc/self/fd") - descriptors);
  fflush(stdout);
  if (!GiveUpCalls()) return 3;
  std::string html = "<title>T</title>";
  for (const char* family :
       {"serif", "sans-serif", "monospace", "Arial", "Times", "No Such Font"}) {
    for (const char* style : {"", "font-weight: bold;", "font-style: italic;",
                              "font-weight: bold; font-style: italic;"}) {
      for (const char* size : {"9px", "17px", "61px"}) {
        html +=
            std::string("<p style='") + style + "font-family: " + family + "; font-size: " + size +
            "'>Text &eacute; &#1078; &alpha; \u05d0 \u0627\u0644 \u4e2d \U0001f600 \u0905 \u2192";
      }
    }
  }
  for (int i = 0; i < 3; ++i) {
    if (!Paint(html)) return 4;
  }
  printf("painted\n");
  return 0;
}
