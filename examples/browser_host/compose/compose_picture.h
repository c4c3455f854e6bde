// Composes a page's picture and those of its frames: what the compositor does with a message.
#ifndef EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSE_PICTURE_H_
#define EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSE_PICTURE_H_

#include <stdint.h>

#include "absl/status/statusor.h"
#include "examples/browser_host/compose/compose_messages.h"

namespace browser_host {

// Checks all that it looks at. InvalidArgument, in one line: which picture is none ("layer 7: 3 by
// 2 pixels in 20 bytes"). DeadlineExceeded: at `deadline` (transceiver/clock.h) a layer was not
// begun. Else as memfd_create(2), madvise(2) and cairo fail. Layers that are outside of the base
// are checked, too.
absl::StatusOr<Composed> ComposePicture(const Compose& message, int64_t deadline);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSE_PICTURE_H_
