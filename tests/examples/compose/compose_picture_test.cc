// What is made of a message, without a process.
#include "examples/browser_host/compose/compose_picture.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/examples/compose/drawn_here.h"
#include "transceiver/clock.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

PictureField FieldOf(const TestPicture& picture) {
  PictureField field = {.width = picture.width, .height = picture.height};
  field.pixels.fd = *forkserver::CreateSealedMemfd(
      "picture", {reinterpret_cast<const uint8_t*>(picture.argb.data()), picture.argb.size() * 4});
  return field;
}

LayerField LayerOf(uint64_t id, const TestPicture& picture, PixelRect place) {
  return {.layer = id,
          .picture = FieldOf(picture),
          .x = place.x,
          .y = place.y,
          .frame_width = place.width,
          .frame_height = place.height};
}

TEST(ComposePicture, HasItsDeadlineBetweenTwoLayers) {
  Compose message = {.base = FieldOf(Plain(4, 4, 0xff000000))};
  EXPECT_TRUE(ComposePicture(message, 0).ok()) << "there is no layer that could be late";
  message.layers.items.push_back(LayerOf(9, Plain(1, 1, 0), {0, 0, 1, 1}));
  EXPECT_TRUE(ComposePicture(message, forkserver::kNever).ok());
  EXPECT_EQ(ComposePicture(message, forkserver::NowNanos()).status().ToString(),
            "DEADLINE_EXCEEDED: layer 9: not begun in time");
}

TEST(ComposePicture, ChecksWhatIsNotSeenToo) {
  Compose message = {.base = FieldOf(Plain(4, 4, 0xff000000))};
  message.layers.items.push_back(LayerOf(9, Plain(3, 2, 0), {400, 400, 1, 1}));
  EXPECT_TRUE(ComposePicture(message, forkserver::kNever).ok());
  message.layers.items[0].picture.height = 3;
  EXPECT_EQ(ComposePicture(message, forkserver::kNever).status().ToString(),
            "INVALID_ARGUMENT: layer 9: 3 by 3 pixels in 24 bytes");
}

TEST(ComposePicture, LeavesItsBaseAsItWas) {
  const TestPicture base = Plain(4, 4, 0xff112233);
  Compose message = {.base = FieldOf(base)};
  message.layers.items.push_back(LayerOf(1, Plain(4, 4, 0xffffffff), {0, 0, 4, 4}));
  const absl::StatusOr<Composed> whole = ComposePicture(message, forkserver::kNever);
  ASSERT_TRUE(whole.ok()) << whole.status();
  message.layers.items.clear();
  absl::StatusOr<Composed> again = ComposePicture(message, forkserver::kNever);
  ASSERT_TRUE(again.ok()) << again.status();
  const SharedPicture picture = {
      .pixels = std::make_shared<const forkserver::UniqueFd>(again->picture.pixels.fd.release()),
      .width = 4,
      .height = 4};
  EXPECT_EQ(Compared(Unshare(picture), base), "as drawn here");
}

}  // namespace
}  // namespace browser_host
