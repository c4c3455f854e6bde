// Boxes with round corners, in numbers that cairo can count with.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_ROUNDED_RECT_H_
#define EXAMPLES_BROWSER_HOST_PAINT_ROUNDED_RECT_H_

#include <cairo/cairo.h>
#include <litehtml/litehtml.h>

#include <algorithm>
#include <array>

namespace browser_host {

// cairo counts in 24 bits before the point.
inline constexpr double kFar = 1 << 21;

inline double Near(double value) { return std::clamp(value, -kFar, kFar); }

struct Rect {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;

  double width() const { return right - left; }
  double height() const { return bottom - top; }
  bool is_empty() const { return width() <= 0 || height() <= 0; }
};

struct Radius {
  double x = 0;
  double y = 0;
};

// From the top left one, clockwise.
using Radiuses = std::array<Radius, 4>;

Rect RectOf(const litehtml::position& box);
Radiuses RadiusesOf(const litehtml::border_radiuses& radiuses);

// As large as there is room for: all are made smaller alike.
Radiuses Fitting(Radiuses radiuses, const Rect& rect);

// Adds to cairo's path; the radiuses are made to fit.
void AddRoundedRect(cairo_t* cairo, const Rect& rect, const Radiuses& wanted);

// What is left inside of borders of these widths. Never less than nothing.
Rect Inset(const Rect& rect, double left, double top, double right, double bottom);
Radiuses Inset(const Radiuses& radiuses, double left, double top, double right, double bottom);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_ROUNDED_RECT_H_
