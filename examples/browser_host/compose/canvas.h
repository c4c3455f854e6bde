// Memory that the parent has made for a picture (canvas_pool.h), as the process has it that paints
// the picture: a memfd of kCanvasBytes, in huge pages, all white, to be sealed when it has been
// painted on. The picture is what it begins with.
#ifndef EXAMPLES_BROWSER_HOST_COMPOSE_CANVAS_H_
#define EXAMPLES_BROWSER_HOST_COMPOSE_CANVAS_H_

#include <stddef.h>
#include <sys/mman.h>

#include "transceiver/huge_page.h"
#include "transceiver/mapping.h"

namespace browser_host {

// 800 by 1310 pixels: a window, and what is below it.
inline constexpr size_t kCanvasBytes = 2 * forkserver::kHugePage;

// A picture has all of its memory for as long as anybody keeps it.
inline bool IsWorthACanvas(size_t picture_bytes) {
  return picture_bytes > kCanvasBytes / 4 && picture_bytes <= kCanvasBytes;
}

// To be written. Returns 0 or an errno.
inline int MapCanvas(int fd, forkserver::Mapping& memory) {
  return memory.MapAligned(kCanvasBytes, forkserver::kHugePage, PROT_READ | PROT_WRITE, MAP_SHARED,
                           fd);
}

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMPOSE_CANVAS_H_
