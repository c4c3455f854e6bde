// A picture that several have: its descriptor is closed when the last of them lets go of it.
#ifndef EXAMPLES_BROWSER_HOST_COMPOSE_SHARED_PICTURE_H_
#define EXAMPLES_BROWSER_HOST_COMPOSE_SHARED_PICTURE_H_

#include <stdint.h>

#include <memory>

#include "transceiver/unique_fd.h"

namespace browser_host {

struct SharedPicture {
  // A memfd as picture.h says, once somebody has checked that it is one. Null: no picture.
  std::shared_ptr<const forkserver::UniqueFd> pixels = {};
  uint32_t width = 0;
  uint32_t height = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMPOSE_SHARED_PICTURE_H_
