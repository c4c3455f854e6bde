// Whose layer is whose, who may name it, and when it ends.
#include "examples/browser_host/compose/layer_tree.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "forkserver/model/browser_records.h"
#include "tests/examples/compose/drawn_here.h"

namespace browser_host {
namespace {

// Child 1 has the page in browser 10, and child 2 its frame in browser 20.
constexpr LayerRecord kFrame = {.process = 2, .browser = 20, .embedder_process = 1, .embedder = 10};

std::string Said(const absl::Status& status) {
  if (status.ok()) return "may";
  EXPECT_EQ(forkserver::IsFault(status), absl::IsPermissionDenied(status));
  return (forkserver::IsFault(status) ? "fault: " : "refused: ") + std::string(status.message());
}

TEST(LayerTree, OnlyThePageAroundItMayReferToALayer) {
  LayerTree layers;
  const LayerId id = *layers.Open(kFrame);
  EXPECT_EQ(Said(layers.CheckReference(id, 1, 10)), "may");
  EXPECT_EQ(Said(layers.CheckReference(id, 1, 11)),
            "fault: layer 1 is not in browser 11 of child 1")
      << "another page of the same process";
  EXPECT_EQ(Said(layers.CheckReference(id, 3, 10)),
            "fault: layer 1 is not in browser 10 of child 3")
      << "a process that claims the page's browser";
  EXPECT_EQ(Said(layers.CheckReference(id, 2, 20)),
            "fault: layer 1 is not in browser 20 of child 2")
      << "the frame itself";
  EXPECT_EQ(Said(layers.CheckReference(2, 1, 10)), "fault: layer 2 was never given out");
  EXPECT_EQ(Said(layers.CheckReference(0, 1, 10)), "fault: layer 0 was never given out");
  EXPECT_EQ(Said(layers.CheckReference(UINT64_MAX, 1, 10)),
            "fault: layer 18446744073709551615 was never given out");
}

TEST(LayerTree, IdsAreNeverUsedAgain) {
  LayerTree layers;
  std::set<LayerId> seen;
  for (int i = 0; i < 50; ++i) {
    LayerRecord record = kFrame;
    record.browser = 20 + static_cast<uint64_t>(i);
    const LayerId id = *layers.Open(record);
    EXPECT_NE(id, 0u);
    EXPECT_TRUE(seen.insert(id).second);
    // In each way that there is.
    if (i % 3 == 0) layers.CloseBrowser(record.browser);
    if (i % 3 == 1) layers.ForgetProcess(2);
    if (i % 3 == 2) layers.CloseBrowser(10);
    EXPECT_EQ(layers.size(), 0u);
  }
}

TEST(LayerTree, ThatEndedWithItsFrameIsRefusedToItsPageAndAFaultOfOthers) {
  for (const bool by_process : {false, true}) {
    LayerTree layers;
    const LayerId id = *layers.Open(kFrame);
    ASSERT_TRUE(layers.SetPicture(id, Share(Plain(2, 2, 0))).ok());
    by_process ? layers.ForgetProcess(2) : layers.CloseBrowser(20);
    EXPECT_EQ(Said(layers.CheckReference(id, 1, 10)), "refused: layer 1 is gone");
    EXPECT_EQ(Said(layers.CheckReference(id, 3, 10)),
              "fault: layer 1 is not in browser 10 of child 3");
    EXPECT_EQ(layers.Find(id), nullptr);
    EXPECT_EQ(layers.OfBrowser(20), 0u);
    EXPECT_EQ(layers.PictureOf(id), nullptr);
    EXPECT_EQ(layers.SetPicture(id, {}).ToString(), "NOT_FOUND: layer 1 has ended");
    EXPECT_EQ(layers.size(), 0u);
    EXPECT_EQ(layers.gone(), 1u);
  }
}

TEST(LayerTree, ThatEndedWithItsPageIsNobodys) {
  for (const bool by_process : {false, true}) {
    LayerTree layers;
    const LayerId id = *layers.Open(kFrame);
    by_process ? layers.ForgetProcess(1) : layers.CloseBrowser(10);
    EXPECT_EQ(Said(layers.CheckReference(id, 1, 10)),
              "fault: layer 1 is not in browser 10 of child 1");
    EXPECT_EQ(layers.size() + layers.gone(), 0u);
  }
  // Also of a frame that had gone before.
  LayerTree layers;
  const LayerId id = *layers.Open(kFrame);
  layers.CloseBrowser(20);
  layers.CloseBrowser(10);
  EXPECT_EQ(Said(layers.CheckReference(id, 1, 10)),
            "fault: layer 1 is not in browser 10 of child 1");
  EXPECT_EQ(layers.gone(), 0u);
}

TEST(LayerTree, EndsOfOthersChangeNothing) {
  LayerTree layers;
  const LayerId id = *layers.Open(kFrame);
  layers.CloseBrowser(30);
  layers.ForgetProcess(3);
  EXPECT_EQ(Said(layers.CheckReference(id, 1, 10)), "may");
  EXPECT_EQ(layers.OfBrowser(20), id);
  ASSERT_NE(layers.Find(id), nullptr);
  EXPECT_EQ(layers.Find(id)->process, 2u);
}

TEST(LayerTree, HoldsTheLastPictureAndNoOther) {
  LayerTree layers;
  const LayerId id = *layers.Open(kFrame);
  EXPECT_EQ(layers.PictureOf(id), nullptr);
  const SharedPicture first = Share(Plain(2, 2, 0));
  const SharedPicture second = Share(Plain(3, 3, 0));
  ASSERT_TRUE(layers.SetPicture(id, first).ok());
  EXPECT_EQ(first.pixels.use_count(), 2);
  ASSERT_TRUE(layers.SetPicture(id, second).ok());
  EXPECT_EQ(first.pixels.use_count(), 1);
  EXPECT_EQ(layers.PictureOf(id)->width, 3u);
  layers.ForgetProcess(2);
  EXPECT_EQ(second.pixels.use_count(), 1) << "its descriptor is not kept by what is gone";
}

TEST(LayerTree, OneOfEachBrowserAndABoundForEachPage) {
  LayerTree layers;
  ASSERT_TRUE(layers.Open(kFrame).ok());
  EXPECT_EQ(layers.Open(kFrame).status().ToString(), "ALREADY_EXISTS: browser 20 has a layer");
  for (LayerRecord record :
       {LayerRecord{.process = 2, .browser = 0, .embedder_process = 1, .embedder = 10},
        LayerRecord{.process = 0, .browser = 1, .embedder_process = 1, .embedder = 10},
        LayerRecord{.process = 2, .browser = 1, .embedder_process = 0, .embedder = 10},
        LayerRecord{.process = 2, .browser = 1, .embedder_process = 1, .embedder = 0},
        LayerRecord{.process = 1, .browser = 10, .embedder_process = 1, .embedder = 10}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(layers.Open(record).status()));
  }
  LayerRecord record = kFrame;
  for (size_t i = 1; i < LayerTree::kMostOfOnePage; ++i) {
    record.browser = 100 + i;
    ASSERT_TRUE(layers.Open(record).ok());
  }
  record.browser = 99;
  EXPECT_EQ(layers.Open(record).status().ToString(),
            "RESOURCE_EXHAUSTED: browser 10 has 1000 layers");
  record.embedder = 11;
  EXPECT_TRUE(layers.Open(record).ok()) << "another page";
}

TEST(LayerTree, FramesThatComeAndGoAreForgottenFromTheOldestOn) {
  LayerTree layers;
  const LayerId stays = *layers.Open(kFrame);
  LayerRecord record = kFrame;
  LayerId first = 0;
  LayerId last = 0;
  for (size_t i = 1; i <= LayerTree::kMostOfOnePage; ++i) {
    record.browser = 100 + i;
    last = *layers.Open(record);
    if (first == 0) first = last;
    layers.CloseBrowser(record.browser);
  }
  EXPECT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers.gone(), LayerTree::kMostOfOnePage - 1);
  EXPECT_EQ(Said(layers.CheckReference(stays, 1, 10)), "may");
  EXPECT_EQ(Said(layers.CheckReference(first, 1, 10)),
            "fault: layer 2 is not in browser 10 of child 1");
  EXPECT_EQ(Said(layers.CheckReference(last, 1, 10)), "refused: layer 1001 is gone");
}

TEST(LayerTree, PlacesWhatIsThereAndRefusesAllForOneThatIsNot) {
  LayerTree layers;
  LayerRecord record = kFrame;
  std::vector<LayerId> ids;
  for (const uint64_t browser : {20, 21, 22}) {
    record.browser = browser;
    ids.push_back(*layers.Open(record));
  }
  record.embedder = 11;
  record.browser = 23;
  const LayerId others = *layers.Open(record);
  ASSERT_TRUE(layers.SetPicture(ids[0], Share(Plain(2, 2, 0))).ok());
  ASSERT_TRUE(layers.SetPicture(ids[2], Share(Plain(5, 6, 0))).ok());
  layers.CloseBrowser(20);
  // The first is gone and the second was not painted.
  const auto placed = layers.Place(
      1, 10,
      std::vector<PlacedFrame>{{ids[0], 1, 1, 9, 9}, {ids[1], 2, 2, 9, 9}, {ids[2], -3, 4, 8, 9}});
  ASSERT_TRUE(placed.ok()) << placed.status();
  ASSERT_EQ(placed->size(), 1u);
  const ComposeLayer& layer = placed->front();
  EXPECT_EQ(layer.layer, ids[2]);
  EXPECT_EQ(layer.picture.width, 5u);
  EXPECT_EQ(layer.x, -3);
  EXPECT_EQ(layer.y, 4);
  EXPECT_EQ(layer.frame_width, 8u);
  EXPECT_EQ(layer.frame_height, 9u);

  EXPECT_EQ(Said(layers.Place(1, 10, std::vector<PlacedFrame>{{ids[2]}, {others}}).status()),
            "fault: layer 4 is not in browser 10 of child 1");
  EXPECT_EQ(Said(layers.Place(1, 10, std::vector<PlacedFrame>{{ids[2]}, {ids[2]}}).status()),
            "refused: layer 3 is in it twice");
  EXPECT_EQ(Said(layers.Place(1, 10, std::vector<PlacedFrame>(kMostLayers + 1)).status()),
            "refused: 65 frames, over 64");
}

}  // namespace
}  // namespace browser_host
