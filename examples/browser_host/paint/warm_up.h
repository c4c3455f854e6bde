// What a template does once so that the processes forked from it paint at once: it loads
// fontconfig's configuration and caches, pango's font map and the fonts (fonts.h), draws letters
// with each of them, parses litehtml's master style sheet, and lays out and paints a small page,
// which runs through all that is slow only at the first time (look-up of symbols, tables of cairo's
// and pango's).
//
//     .warm_ups = {{"painter", [] { return WarmUpPainter(); }}}
//
// When it returns, no thread is left and no descriptor; docs/warming-up-real-libraries.md says what
// there was on the way. A process that paints without it does the same at its first page. Calling
// it again does nothing that takes time.
//
// Errors: NotFound, without fonts; FailedPrecondition, for a thread that did not end.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_WARM_UP_H_
#define EXAMPLES_BROWSER_HOST_PAINT_WARM_UP_H_

#include "absl/status/status.h"

namespace browser_host {

absl::Status WarmUpPainter();

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_WARM_UP_H_
