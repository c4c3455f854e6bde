#include "examples/browser_host/paint/box_painter.h"

#include <algorithm>
#include <numbers>

#include "examples/browser_host/paint/rounded_rect.h"

namespace browser_host {
namespace {

struct Widths {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

// What is between two outlines, `from` and `to` of the way from the border's outer edge to its
// inner.
void FillRing(cairo_t* cairo, const Rect& rect, const Radiuses& radiuses, const Widths& widths,
              double from, double to) {
  cairo_set_fill_rule(cairo, CAIRO_FILL_RULE_EVEN_ODD);
  for (const double part : {from, to}) {
    const double left = widths.left * part, top = widths.top * part;
    const double right = widths.right * part, bottom = widths.bottom * part;
    AddRoundedRect(cairo, Inset(rect, left, top, right, bottom),
                   Inset(radiuses, left, top, right, bottom));
  }
  cairo_fill(cairo);
}

enum class Side : uint8_t { kLeft, kTop, kRight, kBottom };

// The part of the border that belongs to a side: cut at the corners, as a picture frame.
void ClipToSide(cairo_t* cairo, const Rect& rect, const Widths& widths, Side side) {
  const Rect inner = Inset(rect, widths.left, widths.top, widths.right, widths.bottom);
  const double middle_x = (inner.left + inner.right) / 2;
  const double middle_y = (inner.top + inner.bottom) / 2;
  const auto quad = [&](double ax, double ay, double bx, double by, double cx, double cy, double dx,
                        double dy) {
    cairo_move_to(cairo, ax, ay);
    cairo_line_to(cairo, bx, by);
    cairo_line_to(cairo, cx, cy);
    // A rounded corner reaches farther in than the widths do.
    cairo_line_to(cairo, middle_x, middle_y);
    cairo_line_to(cairo, dx, dy);
    cairo_close_path(cairo);
  };
  switch (side) {
    case Side::kLeft:
      quad(rect.left, rect.bottom, rect.left, rect.top, inner.left, inner.top, inner.left,
           inner.bottom);
      break;
    case Side::kTop:
      quad(rect.left, rect.top, rect.right, rect.top, inner.right, inner.top, inner.left,
           inner.top);
      break;
    case Side::kRight:
      quad(rect.right, rect.top, rect.right, rect.bottom, inner.right, inner.bottom, inner.right,
           inner.top);
      break;
    case Side::kBottom:
      quad(rect.right, rect.bottom, rect.left, rect.bottom, inner.left, inner.bottom, inner.right,
           inner.bottom);
      break;
  }
  cairo_clip(cairo);
}

litehtml::web_color Shaded(const litehtml::web_color& color, bool is_dark) {
  const auto shade = [&](unsigned char part) {
    return static_cast<unsigned char>(is_dark ? part * 6 / 10 : part + (255 - part) * 4 / 10);
  };
  return {shade(color.red), shade(color.green), shade(color.blue), color.alpha};
}

void StrokeSide(cairo_t* cairo, const Rect& rect, const Radiuses& radiuses, const Widths& widths,
                double width, litehtml::border_style style) {
  const double left = widths.left / 2, top = widths.top / 2;
  const double right = widths.right / 2, bottom = widths.bottom / 2;
  const bool is_dotted = style == litehtml::border_style_dotted;
  const double dashes[] = {is_dotted ? 0.01 : width * 3, is_dotted ? width * 2 : width * 3};
  // More dashes than pixels are a grey line; many more are minutes of work.
  if (rect.width() + rect.height() > 20'000 * width) return;
  cairo_set_dash(cairo, dashes, 2, 0);
  cairo_set_line_cap(cairo, is_dotted && width > 2 ? CAIRO_LINE_CAP_ROUND : CAIRO_LINE_CAP_BUTT);
  if (is_dotted && width <= 2) {
    const double dots[] = {width, width};
    cairo_set_dash(cairo, dots, 2, 0);
  }
  cairo_set_line_width(cairo, width);
  AddRoundedRect(cairo, Inset(rect, left, top, right, bottom),
                 Inset(radiuses, left, top, right, bottom));
  cairo_stroke(cairo);
}

void DrawSide(cairo_t* cairo, const Rect& rect, const Radiuses& radiuses, const Widths& widths,
              Side side, const litehtml::border& border, double width) {
  if (width <= 0 || border.color.alpha == 0) return;
  const bool is_upper_left = side == Side::kLeft || side == Side::kTop;
  cairo_save(cairo);
  ClipToSide(cairo, rect, widths, side);
  SetColor(cairo, border.color);
  switch (border.style) {
    case litehtml::border_style_none:
    case litehtml::border_style_hidden:
      break;
    case litehtml::border_style_dotted:
    case litehtml::border_style_dashed:
      StrokeSide(cairo, rect, radiuses, widths, width, border.style);
      break;
    case litehtml::border_style_double:
      FillRing(cairo, rect, radiuses, widths, 0, width < 3 ? 1 : 1.0 / 3);
      if (width >= 3) FillRing(cairo, rect, radiuses, widths, 2.0 / 3, 1);
      break;
    case litehtml::border_style_inset:
    case litehtml::border_style_outset:
      SetColor(cairo, Shaded(border.color,
                             is_upper_left == (border.style == litehtml::border_style_inset)));
      FillRing(cairo, rect, radiuses, widths, 0, 1);
      break;
    case litehtml::border_style_groove:
    case litehtml::border_style_ridge: {
      const bool outer_dark = is_upper_left == (border.style == litehtml::border_style_groove);
      SetColor(cairo, Shaded(border.color, outer_dark));
      FillRing(cairo, rect, radiuses, widths, 0, 0.5);
      SetColor(cairo, Shaded(border.color, !outer_dark));
      FillRing(cairo, rect, radiuses, widths, 0.5, 1);
      break;
    }
    case litehtml::border_style_solid:
      FillRing(cairo, rect, radiuses, widths, 0, 1);
      break;
  }
  cairo_restore(cairo);
}

bool IsDrawn(litehtml::border_style style) {
  return style != litehtml::border_style_none && style != litehtml::border_style_hidden;
}

bool IsSame(const litehtml::border& a, const litehtml::border& b) {
  return a.style == b.style && a.color.red == b.color.red && a.color.green == b.color.green &&
         a.color.blue == b.color.blue && a.color.alpha == b.color.alpha;
}

// Where `image` is repeated: whole pictures of it from `x` and `y` in steps of its size.
void FillWithImage(cairo_t* cairo, const litehtml::background_paint& paint,
                   cairo_surface_t* image) {
  const double width = paint.image_size.width, height = paint.image_size.height;
  const int image_width = cairo_image_surface_get_width(image);
  const int image_height = cairo_image_surface_get_height(image);
  if (width < 1 || height < 1 || width > kFar || height > kFar || image_width < 1 ||
      image_height < 1) {
    return;
  }
  const bool repeats_x = paint.repeat == litehtml::background_repeat_repeat ||
                         paint.repeat == litehtml::background_repeat_repeat_x;
  const bool repeats_y = paint.repeat == litehtml::background_repeat_repeat ||
                         paint.repeat == litehtml::background_repeat_repeat_y;
  const double x = Near(paint.position_x), y = Near(paint.position_y);
  Rect area = RectOf(paint.clip_box);
  if (!repeats_x) area = {.left = x, .top = area.top, .right = x + width, .bottom = area.bottom};
  if (!repeats_y) area = {.left = area.left, .top = y, .right = area.right, .bottom = y + height};
  cairo_rectangle(cairo, area.left, area.top, area.width(), area.height());
  cairo_clip(cairo);
  cairo_pattern_t* pattern = cairo_pattern_create_for_surface(image);
  cairo_pattern_set_extend(pattern,
                           repeats_x || repeats_y ? CAIRO_EXTEND_REPEAT : CAIRO_EXTEND_PAD);
  cairo_matrix_t matrix;
  cairo_matrix_init_scale(&matrix, image_width / width, image_height / height);
  cairo_matrix_translate(&matrix, -x, -y);
  cairo_pattern_set_matrix(pattern, &matrix);
  const bool is_actual_size = width == image_width && height == image_height;
  cairo_pattern_set_filter(pattern, is_actual_size ? CAIRO_FILTER_FAST : CAIRO_FILTER_GOOD);
  cairo_set_source(cairo, pattern);
  cairo_paint(cairo);
  cairo_pattern_destroy(pattern);
}

}  // namespace

void SetColor(cairo_t* cairo, const litehtml::web_color& color) {
  cairo_set_source_rgba(cairo, color.red / 255.0, color.green / 255.0, color.blue / 255.0,
                        color.alpha / 255.0);
}

void BoxPainter::PushClip(const litehtml::position& box, const litehtml::border_radiuses& radiuses,
                          bool clips_x, bool clips_y) {
  ClipBox clip = {.box = box, .radiuses = radiuses};
  if (!clips_x) {
    clip.box.x = 0;
    clip.box.width = width_;
  }
  if (!clips_y) {
    clip.box.y = 0;
    clip.box.height = height_;
  }
  clips_.push_back(clip);
}

void BoxPainter::PopClip() {
  if (!clips_.empty()) clips_.pop_back();
}

void BoxPainter::Clip(cairo_t* cairo) const {
  for (const ClipBox& clip : clips_) {
    AddRoundedRect(cairo, RectOf(clip.box), RadiusesOf(clip.radiuses));
    cairo_clip(cairo);
  }
}

void BoxPainter::DrawBackground(cairo_t* cairo, const litehtml::background_paint& paint,
                                cairo_surface_t* image) const {
  if (paint.color.alpha == 0 && image == nullptr) return;
  cairo_save(cairo);
  Clip(cairo);
  const Rect box = RectOf(paint.clip_box);
  if (!paint.is_root) {
    if (box.is_empty()) return cairo_restore(cairo);
    AddRoundedRect(cairo, RectOf(paint.border_box), RadiusesOf(paint.border_radius));
    cairo_clip(cairo);
    cairo_rectangle(cairo, box.left, box.top, box.width(), box.height());
    cairo_clip(cairo);
  }
  if (paint.color.alpha != 0) {
    SetColor(cairo, paint.color);
    cairo_paint(cairo);
  }
  if (image != nullptr) {
    litehtml::background_paint whole = paint;
    if (paint.is_root) whole.clip_box = litehtml::position(0, 0, width_, height_);
    FillWithImage(cairo, whole, image);
  }
  cairo_restore(cairo);
}

void BoxPainter::DrawBorders(cairo_t* cairo, const litehtml::borders& borders,
                             const litehtml::position& box) const {
  const Rect rect = RectOf(box);
  if (rect.is_empty()) return;
  const auto width = [](const litehtml::border& border) {
    return IsDrawn(border.style) ? std::max(0.0, Near(border.width)) : 0.0;
  };
  const Widths widths = {.left = width(borders.left),
                         .top = width(borders.top),
                         .right = width(borders.right),
                         .bottom = width(borders.bottom)};
  const Radiuses radiuses = Fitting(RadiusesOf(borders.radius), rect);
  cairo_save(cairo);
  Clip(cairo);
  const bool is_one = IsSame(borders.left, borders.top) && IsSame(borders.top, borders.right) &&
                      IsSame(borders.right, borders.bottom);
  if (is_one && borders.left.style == litehtml::border_style_solid) {
    // In one piece: sides drawn one by one let the background through at the corners.
    SetColor(cairo, borders.left.color);
    FillRing(cairo, rect, radiuses, widths, 0, 1);
  } else {
    DrawSide(cairo, rect, radiuses, widths, Side::kLeft, borders.left, widths.left);
    DrawSide(cairo, rect, radiuses, widths, Side::kTop, borders.top, widths.top);
    DrawSide(cairo, rect, radiuses, widths, Side::kRight, borders.right, widths.right);
    DrawSide(cairo, rect, radiuses, widths, Side::kBottom, borders.bottom, widths.bottom);
  }
  cairo_restore(cairo);
}

void BoxPainter::DrawListMarker(cairo_t* cairo, const litehtml::list_marker& marker,
                                cairo_surface_t* image) const {
  const Rect box = RectOf(marker.pos);
  if (box.is_empty()) return;
  cairo_save(cairo);
  Clip(cairo);
  if (image != nullptr) {
    cairo_translate(cairo, box.left, box.top);
    cairo_scale(cairo, box.width() / std::max(1, cairo_image_surface_get_width(image)),
                box.height() / std::max(1, cairo_image_surface_get_height(image)));
    cairo_set_source_surface(cairo, image, 0, 0);
    cairo_paint(cairo);
  } else {
    SetColor(cairo, marker.color);
    const double size = std::min(box.width(), box.height());
    const double x = box.left + box.width() / 2, y = box.top + box.height() / 2;
    switch (marker.marker_type) {
      case litehtml::list_style_type_disc:
        cairo_arc(cairo, x, y, size / 2, 0, 2 * std::numbers::pi);
        cairo_fill(cairo);
        break;
      case litehtml::list_style_type_circle:
        cairo_arc(cairo, x, y, std::max(0.5, size / 2 - 0.5), 0, 2 * std::numbers::pi);
        cairo_set_line_width(cairo, 1);
        cairo_stroke(cairo);
        break;
      case litehtml::list_style_type_square:
        cairo_rectangle(cairo, box.left, box.top, box.width(), box.height());
        cairo_fill(cairo);
        break;
      default:
        break;
    }
  }
  cairo_restore(cairo);
}

}  // namespace browser_host
