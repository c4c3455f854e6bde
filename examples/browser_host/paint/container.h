// What litehtml asks of its surroundings: fonts, images, style sheets, and to be drawn with cairo.
// One for each page; not for several threads.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_CONTAINER_H_
#define EXAMPLES_BROWSER_HOST_PAINT_CONTAINER_H_

#include <litehtml/litehtml.h>
#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "examples/browser_host/paint/box_painter.h"
#include "examples/browser_host/paint/elements.h"
#include "examples/browser_host/paint/fonts.h"
#include "examples/browser_host/paint/paint_bounds.h"
#include "examples/browser_host/paint/resources.h"
#include "examples/browser_host/paint/work_budget.h"

namespace browser_host {

class Container : public litehtml::document_container {
 public:
  // All must outlive it. `width`, `height`: of the window, in CSS pixels.
  Container(Fonts& fonts, Resources& resources, WorkBudget& work, const PaintBounds& bounds,
            int width, int height);

  // Before each document: forgets what the one before it said.
  void BeginDocument(std::string page_url);
  // Before each drawing: what is painted, from the page's top left corner.
  void BeginDrawing(int width, int height) { boxes_ = BoxPainter(width, height); }

  const std::string& title() const { return title_; }
  const PageNotes& notes() const { return notes_; }
  // Of a reference in the page. Empty: too long.
  std::string Resolve(std::string_view reference) const;

  litehtml::uint_ptr create_font(const char* families, int size, int weight,
                                 litehtml::font_style italic, unsigned decoration,
                                 litehtml::font_metrics* metrics) override;
  void delete_font(litehtml::uint_ptr font) override;
  int text_width(const char* text, litehtml::uint_ptr font) override;
  void draw_text(litehtml::uint_ptr hdc, const char* text, litehtml::uint_ptr font,
                 litehtml::web_color color, const litehtml::position& pos) override;
  int pt_to_px(int pt) const override;
  int get_default_font_size() const override;
  const char* get_default_font_name() const override;
  void draw_list_marker(litehtml::uint_ptr hdc, const litehtml::list_marker& marker) override;
  void load_image(const char* src, const char* baseurl, bool redraw_on_ready) override;
  void get_image_size(const char* src, const char* baseurl, litehtml::size& size) override;
  void draw_background(litehtml::uint_ptr hdc, const litehtml::background_paint& paint) override;
  void draw_borders(litehtml::uint_ptr hdc, const litehtml::borders& borders,
                    const litehtml::position& pos, bool root) override;
  void set_caption(const char* caption) override;
  void set_base_url(const char* base_url) override;
  void link(const std::shared_ptr<litehtml::document>& document,
            const litehtml::element::ptr& element) override;
  void on_anchor_click(const char* url, const litehtml::element::ptr& element) override;
  void set_cursor(const char* cursor) override;
  void transform_text(litehtml::tstring& text, litehtml::text_transform transform) override;
  void import_css(litehtml::tstring& text, const litehtml::tstring& url,
                  litehtml::tstring& baseurl) override;
  void set_clip(const litehtml::position& pos, const litehtml::border_radiuses& radiuses,
                bool valid_x, bool valid_y) override;
  void del_clip() override;
  void get_client_rect(litehtml::position& client) const override;
  litehtml::element::ptr create_element(
      const char* tag, const litehtml::string_map& attributes,
      const std::shared_ptr<litehtml::document>& document) override;
  void get_media_features(litehtml::media_features& media) const override;
  void get_language(litehtml::tstring& language, litehtml::tstring& culture) const override;
  void split_text(const char* text, const std::function<void(const char*)>& on_word,
                  const std::function<void(const char*)>& on_space) override;

 private:
  struct Font {
    size_t face = 0;
    int size = 0;
    unsigned decoration = 0;
    int ascent = 0;
    int descent = 0;
  };

  const Font& FontOf(litehtml::uint_ptr handle) const;
  // Of the page's words, which come again and again; the reference holds until the next call.
  const ShapedText& Shaped(size_t face, std::string_view text);
  std::string ResolveIn(const char* baseurl, std::string_view reference) const;
  const Image* FindImage(const char* src, const char* baseurl);

  Fonts& fonts_;
  Resources& resources_;
  WorkBudget& work_;
  const PaintBounds& bounds_;
  ElementFactory elements_;
  BoxPainter boxes_;
  int width_;
  int height_;

  std::string base_url_;
  std::string title_;
  PageNotes notes_;
  size_t imports_ = 0;
  std::vector<Font> fonts_of_page_;
  std::map<std::tuple<std::string, FontWeight, FontSlant>, size_t> faces_;
  std::vector<absl::flat_hash_map<std::string, ShapedText>> shaped_;  // by face
  size_t shaped_texts_ = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_CONTAINER_H_
