#include "examples/browser_host/paint/rounded_rect.h"

#include <numbers>

namespace browser_host {
namespace {

void AddCorner(cairo_t* cairo, double x, double y, const Radius& radius, double from) {
  if (radius.x <= 0 || radius.y <= 0) {
    cairo_line_to(cairo, x, y);
    return;
  }
  cairo_save(cairo);
  cairo_translate(cairo, x, y);
  cairo_scale(cairo, radius.x, radius.y);
  cairo_arc(cairo, 0, 0, 1, from, from + std::numbers::pi / 2);
  cairo_restore(cairo);
}

}  // namespace

Rect RectOf(const litehtml::position& box) {
  // As double: the sum of two ints of the page need not be one.
  return {.left = Near(box.x),
          .top = Near(box.y),
          .right = Near(static_cast<double>(box.x) + box.width),
          .bottom = Near(static_cast<double>(box.y) + box.height)};
}

Radiuses RadiusesOf(const litehtml::border_radiuses& radiuses) {
  const auto at_least_0 = [](int x, int y) {
    return Radius{.x = std::max(0.0, Near(x)), .y = std::max(0.0, Near(y))};
  };
  return {at_least_0(radiuses.top_left_x, radiuses.top_left_y),
          at_least_0(radiuses.top_right_x, radiuses.top_right_y),
          at_least_0(radiuses.bottom_right_x, radiuses.bottom_right_y),
          at_least_0(radiuses.bottom_left_x, radiuses.bottom_left_y)};
}

Radiuses Fitting(Radiuses radiuses, const Rect& rect) {
  double factor = 1;
  const auto fit = [&](double sum, double room) {
    if (sum > room && sum > 0) factor = std::min(factor, std::max(0.0, room) / sum);
  };
  fit(radiuses[0].x + radiuses[1].x, rect.width());
  fit(radiuses[2].x + radiuses[3].x, rect.width());
  fit(radiuses[1].y + radiuses[2].y, rect.height());
  fit(radiuses[3].y + radiuses[0].y, rect.height());
  for (Radius& radius : radiuses) radius = {.x = radius.x * factor, .y = radius.y * factor};
  return radiuses;
}

void AddRoundedRect(cairo_t* cairo, const Rect& rect, const Radiuses& wanted) {
  const Radiuses radiuses = Fitting(wanted, rect);
  const auto inset = [](const Radius& radius) {
    return radius.x > 0 && radius.y > 0 ? radius : Radius{};
  };
  const double pi = std::numbers::pi;
  cairo_new_sub_path(cairo);
  const Radius tl = inset(radiuses[0]), tr = inset(radiuses[1]);
  const Radius br = inset(radiuses[2]), bl = inset(radiuses[3]);
  AddCorner(cairo, rect.left + tl.x, rect.top + tl.y, tl, pi);
  AddCorner(cairo, rect.right - tr.x, rect.top + tr.y, tr, -pi / 2);
  AddCorner(cairo, rect.right - br.x, rect.bottom - br.y, br, 0);
  AddCorner(cairo, rect.left + bl.x, rect.bottom - bl.y, bl, pi / 2);
  cairo_close_path(cairo);
}

Rect Inset(const Rect& rect, double left, double top, double right, double bottom) {
  Rect inner = {.left = rect.left + left,
                .top = rect.top + top,
                .right = rect.right - right,
                .bottom = rect.bottom - bottom};
  inner.right = std::max(inner.right, inner.left);
  inner.bottom = std::max(inner.bottom, inner.top);
  return inner;
}

Radiuses Inset(const Radiuses& radiuses, double left, double top, double right, double bottom) {
  const auto less = [](const Radius& radius, double x, double y) {
    return Radius{.x = std::max(0.0, radius.x - x), .y = std::max(0.0, radius.y - y)};
  };
  return {less(radiuses[0], left, top), less(radiuses[1], right, top),
          less(radiuses[2], right, bottom), less(radiuses[3], left, bottom)};
}

}  // namespace browser_host
