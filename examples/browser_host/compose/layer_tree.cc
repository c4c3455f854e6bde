#include "examples/browser_host/compose/layer_tree.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"

namespace browser_host {

using forkserver::BrowserId;
using forkserver::ChildId;

absl::StatusOr<LayerId> LayerTree::Open(const LayerRecord& record) {
  // Process 0 is the parent itself, which paints nothing and shows nothing.
  if (record.browser == 0 || record.process == 0 || record.embedder == 0 ||
      record.embedder_process == 0 || record.browser == record.embedder) {
    return absl::InvalidArgumentError(
        absl::StrFormat("a layer of browser %d of child %d in browser %d of child %d",
                        record.browser, record.process, record.embedder, record.embedder_process));
  }
  if (OfBrowser(record.browser) != 0) {
    return absl::AlreadyExistsError(absl::StrFormat("browser %d has a layer", record.browser));
  }
  if (absl::Status room = MakeRoom(record.embedder); !room.ok()) return room;
  layers_.emplace(++last_, Layer{.record = record});
  return last_;
}

absl::Status LayerTree::MakeRoom(BrowserId embedder) {
  const auto is_in_it = [&](const auto& one) { return one.second.record.embedder == embedder; };
  const auto had = std::count_if(layers_.begin(), layers_.end(), is_in_it);
  if (static_cast<size_t>(had) < kMostOfOnePage) return absl::OkStatus();
  const auto oldest = std::find_if(layers_.begin(), layers_.end(), [&](const auto& one) {
    return is_in_it(one) && one.second.is_gone;
  });
  if (oldest == layers_.end()) {
    return absl::ResourceExhaustedError(absl::StrFormat("browser %d has %d layers", embedder, had));
  }
  layers_.erase(oldest);
  return absl::OkStatus();
}

const LayerTree::Layer* LayerTree::FindLive(LayerId layer) const {
  const auto found = layers_.find(layer);
  return found == layers_.end() || found->second.is_gone ? nullptr : &found->second;
}

absl::Status LayerTree::SetPicture(LayerId layer, SharedPicture picture) {
  const auto found = layers_.find(layer);
  if (found == layers_.end() || found->second.is_gone) {
    return absl::NotFoundError(absl::StrFormat("layer %d has ended", layer));
  }
  found->second.picture = std::move(picture);
  return absl::OkStatus();
}

const LayerRecord* LayerTree::Find(LayerId layer) const {
  const Layer* const found = FindLive(layer);
  return found == nullptr ? nullptr : &found->record;
}

LayerId LayerTree::OfBrowser(BrowserId browser) const {
  const auto found = std::find_if(layers_.begin(), layers_.end(), [&](const auto& one) {
    return one.second.record.browser == browser && !one.second.is_gone;
  });
  return found == layers_.end() ? 0 : found->first;
}

const SharedPicture* LayerTree::PictureOf(LayerId layer) const {
  const Layer* const found = FindLive(layer);
  return found == nullptr || found->picture.pixels == nullptr ? nullptr : &found->picture;
}

absl::Status LayerTree::CheckReference(LayerId layer, ChildId process, BrowserId browser) const {
  if (layer == 0 || layer > last_) {
    return absl::PermissionDeniedError(absl::StrFormat("layer %d was never given out", layer));
  }
  const auto found = layers_.find(layer);
  if (found == layers_.end() || found->second.record.embedder_process != process ||
      found->second.record.embedder != browser) {
    return absl::PermissionDeniedError(
        absl::StrFormat("layer %d is not in browser %d of child %d", layer, browser, process));
  }
  if (!found->second.is_gone) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrFormat("layer %d is gone", layer));
}

absl::StatusOr<std::vector<ComposeLayer>> LayerTree::Place(
    ChildId process, BrowserId browser, std::span<const PlacedFrame> frames) const {
  if (frames.size() > kMostLayers) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%d frames, over %d", frames.size(), kMostLayers));
  }
  std::vector<ComposeLayer> placed;
  std::set<LayerId> named;
  for (const PlacedFrame& frame : frames) {
    const absl::Status may = CheckReference(frame.layer, process, browser);
    if (forkserver::IsFault(may)) return may;
    if (!named.insert(frame.layer).second) {
      return absl::InvalidArgumentError(absl::StrFormat("layer %d is in it twice", frame.layer));
    }
    const SharedPicture* const picture = PictureOf(frame.layer);
    if (picture == nullptr) continue;
    placed.push_back({.layer = frame.layer,
                      .picture = *picture,
                      .x = frame.x,
                      .y = frame.y,
                      .frame_width = frame.width,
                      .frame_height = frame.height});
  }
  return placed;
}

template <typename Painted, typename Shown>
void LayerTree::End(Painted painted, Shown shown) {
  std::erase_if(layers_, [&](const auto& one) { return shown(one.second.record); });
  for (auto& [id, layer] : layers_) {
    if (!painted(layer.record)) continue;
    layer.is_gone = true;
    layer.picture = {};
  }
}

void LayerTree::CloseBrowser(BrowserId browser) {
  End([&](const LayerRecord& record) { return record.browser == browser; },
      [&](const LayerRecord& record) { return record.embedder == browser; });
}

void LayerTree::ForgetProcess(ChildId process) {
  End([&](const LayerRecord& record) { return record.process == process; },
      [&](const LayerRecord& record) { return record.embedder_process == process; });
}

size_t LayerTree::size() const {
  return static_cast<size_t>(std::count_if(layers_.begin(), layers_.end(),
                                           [](const auto& one) { return !one.second.is_gone; }));
}

}  // namespace browser_host
