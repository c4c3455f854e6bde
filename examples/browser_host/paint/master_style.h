// How elements look that no style sheet of the page speaks of: our own master style sheet (litehtml
// has none in its package), parsed.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_MASTER_STYLE_H_
#define EXAMPLES_BROWSER_HOST_PAINT_MASTER_STYLE_H_

#include <litehtml/litehtml.h>

namespace browser_host {

// Parsed at the first call and kept for the life of the process. Nothing writes it later.
litehtml::context& MasterStyle();

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_MASTER_STYLE_H_
