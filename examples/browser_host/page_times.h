// How long a page may take, and which part of it: all from when its process was told to load it.
//
//     times.resources < times.frames < times.frames_work < times.work < kAnswerPatience
//
// What a page waits for, and what it works, end in this order, so that each leaves time for what
// comes after it: a frame that comes late is laid out, frames that take too long leave the page its
// picture, and a page that takes too long itself says so before its process is ended for silence.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_TIMES_H_
#define EXAMPLES_BROWSER_HOST_PAGE_TIMES_H_

#include <stdint.h>

#include "absl/time/time.h"

namespace browser_host {

struct PageTimes {
  int64_t begin = 0;  // NowNanos() then; 0: now

  // Style sheets and images that have not come are left out. From when the page was parsed. The
  // page of a frame in another process has as much for its own; one in this process has until
  // `frames`.
  absl::Duration resources = absl::Milliseconds(2800);
  // As are frames.
  absl::Duration frames = absl::Seconds(7);
  // What this process parses, lays out and paints of frames after that is left out too.
  absl::Duration frames_work = absl::Seconds(8);
  // A page that is still being laid out or painted has no picture.
  absl::Duration work = absl::Seconds(9);
};

// A process that says nothing of its page for longer is ended, by the parent.
inline constexpr absl::Duration kAnswerPatience = absl::Seconds(10);
static_assert(PageTimes().resources < PageTimes().frames);
static_assert(PageTimes().frames < PageTimes().frames_work);
static_assert(PageTimes().frames_work < PageTimes().work);
static_assert(PageTimes().work < kAnswerPatience);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_TIMES_H_
