// What the parent and the compositor, the process of type gpu, say to each other.
//
//     parent -> gpu    Compose    a page's own picture and those of its frames, and where they are;
//                                 answered with the picture of the whole
//
// All pictures are sealed memfds (picture.h), in both directions. The compositor looks at nothing
// that it has not checked so: layers are what content processes have made. It refuses what it
// cannot compose, with what is wrong in one line, and is as it was; it believes its parent no more
// than that, and breaks off nothing. The parent checks the answer likewise (compositor_service.h).
#ifndef EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSE_MESSAGES_H_
#define EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSE_MESSAGES_H_

#include <stddef.h>
#include <stdint.h>

#include <string_view>
#include <tuple>

#include "absl/time/time.h"
#include "child/process/top_level_messages.h"
#include "transceiver/actor/descriptor.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"

namespace browser_host {

// Of one picture. A message has room for 253 descriptors, and each is one of both processes' own.
inline constexpr size_t kMostLayers = 64;
// After it the compositor gives up what it composes, between two layers.
inline constexpr absl::Duration kComposePatience = absl::Seconds(5);

struct PictureField {
  forkserver::Descriptor pixels = {};
  uint32_t width = 0;
  uint32_t height = 0;
  auto Fields() { return std::tie(pixels, width, height); }
};

struct LayerField {
  uint64_t layer = 0;  // for errors
  PictureField picture = {};
  // Its place in the picture of the whole, which may be outside of it.
  int32_t x = 0;
  int32_t y = 0;
  uint32_t frame_width = 0;
  uint32_t frame_height = 0;
  auto Fields() { return std::tie(layer, picture, x, y, frame_width, frame_height); }
};

// As large as the base picture.
struct Composed {
  PictureField picture = {};
  auto Fields() { return std::tie(picture); }
};

struct Compose {
  static constexpr std::string_view kName = "Compose";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kParent;
  using Reply = Composed;
  PictureField base = {};
  forkserver::List<LayerField, kMostLayers> layers = {};  // the first is the lowest
  auto Fields() { return std::tie(base, layers); }
};

struct CompositorProtocol {
  static constexpr std::string_view kName = "Gpu";
  using Messages = forkserver::TopLevelMessages<Compose>;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMPOSE_COMPOSE_MESSAGES_H_
