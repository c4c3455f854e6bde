// The parent's record of layers: whose picture is in whose page.
//
//     LayerTree layers;
//     // Browser 12 of the one process paints what is in browser 3 of the other.
//     absl::StatusOr<LayerId> id = layers.Open({.process = frame->id(), .browser = 12,
//                                               .embedder_process = page->id(), .embedder = 3});
//     layers.SetPicture(*id, picture);                      // whenever it was painted
//     absl::StatusOr<std::vector<ComposeLayer>> frames =    // what the page says of its frames
//         layers.Place(page->id(), 3, {{.layer = *id, .x = 20, .y = 300, .width = 300, ...}});
//     if (forkserver::IsFault(frames.status())) page->Kill(frames.status());
//
// A layer is the picture of one browser, a frame in a process of its own, and one other browser,
// the page that it is in, may refer to it. Ids count up from 1 and are never used twice. Only the
// parent makes them; a child that knows one of another page's can do nothing with it, since the
// sender is part of every check. So is which of its browsers it speaks for, which its claim has
// shown to be its own before (forkserver/model/content_host.h).
//
// A layer ends with its browser, with its page's, and with the process of either. What its page
// says of it may have been on its way when its frame ended, so it is refused and nothing more, as
// long as the page is there: else a frame could have the page around it killed by dying. To anybody
// else it is what it never was theirs.
//
// Pure: no process is touched here, and no pixel. Ownership: shares the pictures. Threads: one at a
// time.
#ifndef EXAMPLES_BROWSER_HOST_COMPOSE_LAYER_TREE_H_
#define EXAMPLES_BROWSER_HOST_COMPOSE_LAYER_TREE_H_

#include <stddef.h>
#include <stdint.h>

#include <map>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/compose/compositor_service.h"
#include "examples/browser_host/compose/shared_picture.h"
#include "forkserver/model/browser_records.h"

namespace browser_host {

using LayerId = uint64_t;  // 0: no layer

struct LayerRecord {
  forkserver::ChildId process = 0;  // that paints it
  forkserver::BrowserId browser = 0;
  forkserver::ChildId embedder_process = 0;  // that may refer to it
  forkserver::BrowserId embedder = 0;
};

// Where a page has a frame, by its own word.
struct PlacedFrame {
  LayerId layer = 0;
  int32_t x = 0;
  int32_t y = 0;
  uint32_t width = 0;
  uint32_t height = 0;
};

class LayerTree {
 public:
  // So that a page cannot fill the parent's memory. Of those that are gone the oldest are forgotten
  // for new ones, and then are nobody's.
  static constexpr size_t kMostOfOnePage = 1000;

  // InvalidArgument: a browser or process that is none, or its own embedder. AlreadyExists: the
  // browser has one. ResourceExhausted: the page has kMostOfOnePage that are there.
  absl::StatusOr<LayerId> Open(const LayerRecord& record);
  // In the place of the last one. NotFound: the layer has ended.
  absl::Status SetPicture(LayerId layer, SharedPicture picture);

  // Null: there is none, or no more.
  const LayerRecord* Find(LayerId layer) const;
  // That it paints; 0: none.
  LayerId OfBrowser(forkserver::BrowserId browser) const;
  // Null: it was not painted yet, or is no more.
  const SharedPicture* PictureOf(LayerId layer) const;

  // Whether `browser` in `process` may refer to it. FailedPrecondition: it is gone, and was its.
  // PermissionDenied (IsFault), in one line: "layer 9 was never given out", "layer 7 is not in
  // browser 3 of child 2".
  absl::Status CheckReference(LayerId layer, forkserver::ChildId process,
                              forkserver::BrowserId browser) const;
  // What is to be composed over that browser's own picture, in that order. Those that are gone or
  // were not painted yet are left out. PermissionDenied: as CheckReference, for any of them. Not
  // faults by IsFault, but nothing that the page could mean: ResourceExhausted, more than
  // kMostLayers; InvalidArgument, one that is named twice.
  absl::StatusOr<std::vector<ComposeLayer>> Place(forkserver::ChildId process,
                                                  forkserver::BrowserId browser,
                                                  std::span<const PlacedFrame> frames) const;

  // It is closed: its layer ends, and those that are in it, which nobody remembers. What is further
  // below ends with its own browser.
  void CloseBrowser(forkserver::BrowserId browser);
  // It has ended: the same for all browsers in it.
  void ForgetProcess(forkserver::ChildId process);

  // That are there, and that are gone and remembered.
  size_t size() const;
  size_t gone() const { return layers_.size() - size(); }

 private:
  struct Layer {
    LayerRecord record;
    SharedPicture picture = {};
    bool is_gone = false;
  };

  absl::Status MakeRoom(forkserver::BrowserId embedder);
  const Layer* FindLive(LayerId layer) const;
  template <typename Painted, typename Shown>
  void End(Painted painted, Shown shown);

  std::map<LayerId, Layer> layers_;
  LayerId last_ = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMPOSE_LAYER_TREE_H_
