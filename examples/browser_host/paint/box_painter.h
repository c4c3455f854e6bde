// Draws what boxes are made of: backgrounds, borders, list markers; clipped.
//
//     BoxPainter boxes(width, height);
//     boxes.PushClip(position, radiuses, true, true);
//     boxes.DrawBackground(cairo, paint, image_surface_or_null);
//     boxes.PopClip();
//
// Numbers come from the page and may be anything; those that cairo cannot count with are cut to
// where nothing is seen any more.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_BOX_PAINTER_H_
#define EXAMPLES_BROWSER_HOST_PAINT_BOX_PAINTER_H_

#include <cairo/cairo.h>
#include <litehtml/litehtml.h>

#include <vector>

namespace browser_host {

class BoxPainter {
 public:
  // Of what is painted, in CSS pixels.
  BoxPainter(int width, int height) : width_(width), height_(height) {}

  void PushClip(const litehtml::position& box, const litehtml::border_radiuses& radiuses,
                bool clips_x, bool clips_y);
  void PopClip();
  void DropClips() { clips_.clear(); }
  // Clips `cairo` to all that are pushed, until its cairo_restore.
  void Clip(cairo_t* cairo) const;
  bool HasClips() const { return !clips_.empty(); }

  // `image`: null where there is none (yet). A root's background covers everything.
  void DrawBackground(cairo_t* cairo, const litehtml::background_paint& paint,
                      cairo_surface_t* image) const;
  void DrawBorders(cairo_t* cairo, const litehtml::borders& borders,
                   const litehtml::position& box) const;
  void DrawListMarker(cairo_t* cairo, const litehtml::list_marker& marker,
                      cairo_surface_t* image) const;

 private:
  struct ClipBox {
    litehtml::position box;
    litehtml::border_radiuses radiuses;
  };

  int width_;
  int height_;
  std::vector<ClipBox> clips_;
};

void SetColor(cairo_t* cairo, const litehtml::web_color& color);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_BOX_PAINTER_H_
