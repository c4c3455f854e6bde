#include "examples/browser_host/compose/compositor_child.h"

#include <stdint.h>

#include <array>

#include "absl/status/statusor.h"
#include "examples/browser_host/compose/compose_picture.h"
#include "examples/browser_host/compose/draw_layer.h"
#include "forkserver/model/process_templates.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

absl::Status WarmUp() {
  std::array<uint32_t, 4> below = {};
  const std::array<uint32_t, 1> layer = {0x80008000};
  const PixelCanvas canvas = {.argb = below, .width = 2, .height = 2};
  const PixelRect place = {.x = 1, .y = 1, .width = 1, .height = 1};
  return DrawLayer(canvas, layer, 1, place.x, place.y, place);
}

}  // namespace

absl::Status CompositorChild::Receive(Compose& message, forkserver::Resolver<Composed> resolver) {
  const absl::StatusOr<Composed> composed = ComposePicture(
      message, forkserver::DeadlineAfter(forkserver::NowNanos(),
                                         absl::ToInt64Nanoseconds(kComposePatience)));
  if (composed.ok()) return resolver.Resolve(*composed);
  resolver.Reject(composed.status());
  return absl::OkStatus();
}

void SetUpCompositorTemplate(std::vector<forkserver::TemplateOptions>& templates) {
  forkserver::TemplateNamed(templates, "gpu").warm_ups.push_back({"compositor", WarmUp});
}

}  // namespace browser_host
