#include "examples/browser_host/paint/container.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "examples/browser_host/paint/clean_css.h"
#include "examples/browser_host/paint/resolve_url.h"
#include "examples/browser_host/paint/text_case.h"
#include "examples/browser_host/paint/well_formed.h"

namespace browser_host {
namespace {

constexpr int kDefaultFontSize = 16;
// Larger than any page is painted; beyond it numbers would not fit an int.
constexpr int kMostFontSize = 1000;
constexpr size_t kMostImports = 64;
constexpr size_t kMostShapedTexts = 20'000;
constexpr size_t kMostTitleBytes = 4096;

cairo_t* CairoOf(litehtml::uint_ptr hdc) { return reinterpret_cast<cairo_t*>(hdc); }

int RoundUp(double pixels) { return static_cast<int>(std::ceil(pixels - 1e-6)); }

// A character that a line may be broken beside: Chinese, Japanese and Korean ones.
bool IsWordOfItsOwn(char32_t c) {
  return (c >= 0x2e80 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0x20000 && c <= 0x3ffff);
}

}  // namespace

Container::Container(Fonts& fonts, Resources& resources, WorkBudget& work,
                     const PaintBounds& bounds, int width, int height)
    : fonts_(fonts),
      resources_(resources),
      work_(work),
      bounds_(bounds),
      elements_(work, bounds),
      boxes_(width, height),
      width_(width),
      height_(height),
      shaped_(fonts.faces()) {}

void Container::BeginDocument(std::string page_url) {
  base_url_ = std::move(page_url);
  title_.clear();
  notes_ = {};
  imports_ = 0;
  fonts_of_page_.clear();
}

std::string Container::Resolve(std::string_view reference) const {
  return ResolveUrl(base_url_, reference);
}

std::string Container::ResolveIn(const char* baseurl, std::string_view reference) const {
  const bool has_own = baseurl != nullptr && *baseurl != 0;
  return ResolveUrl(has_own ? std::string_view(baseurl) : base_url_, reference);
}

litehtml::uint_ptr Container::create_font(const char* families, int size, int weight,
                                          litehtml::font_style italic, unsigned decoration,
                                          litehtml::font_metrics* metrics) {
  Font font = {.size = std::clamp(size, 1, kMostFontSize), .decoration = decoration};
  const bool is_one_too_many = fonts_of_page_.size() >= bounds_.fonts;
  if (is_one_too_many) {
    font.size = kDefaultFontSize;
  } else {
    const auto key = std::make_tuple(
        std::string(std::string_view(families).substr(0, 256)),
        weight >= 600 ? FontWeight::kBold : FontWeight::kRegular,
        italic == litehtml::fontStyleItalic ? FontSlant::kItalic : FontSlant::kUpright);
    auto face = faces_.find(key);
    if (face == faces_.end()) {
      work_.Spend(500);
      face =
          faces_.emplace(key, fonts_.FaceFor(std::get<0>(key), std::get<1>(key), std::get<2>(key)))
              .first;
    }
    font.face = face->second;
  }
  const FaceMetrics face = fonts_.MetricsOf(font.face);
  font.ascent = RoundUp(face.ascent * font.size);
  font.descent = RoundUp(face.descent * font.size);
  metrics->ascent = font.ascent;
  metrics->descent = font.descent;
  metrics->height = font.ascent + font.descent;
  metrics->x_height = static_cast<int>(std::lround(face.x_height * font.size));
  // Lines go through spaces too.
  metrics->draw_spaces = decoration != 0 || italic == litehtml::fontStyleItalic;
  if (is_one_too_many && fonts_of_page_.size() > bounds_.fonts) return fonts_of_page_.size();
  fonts_of_page_.push_back(font);
  return fonts_of_page_.size();
}

// They are the page's, and go with it.
void Container::delete_font(litehtml::uint_ptr /*font*/) {}

const Container::Font& Container::FontOf(litehtml::uint_ptr handle) const {
  static constexpr Font kNone = {
      .face = 0, .size = kDefaultFontSize, .decoration = 0, .ascent = 15, .descent = 4};
  return handle >= 1 && handle <= fonts_of_page_.size() ? fonts_of_page_[handle - 1] : kNone;
}

const ShapedText& Container::Shaped(size_t face, std::string_view text) {
  if (shaped_texts_ > kMostShapedTexts) {
    for (auto& texts : shaped_) texts.clear();
    shaped_texts_ = 0;
  }
  auto [found, is_new] = shaped_[face].try_emplace(absl::string_view(text.data(), text.size()));
  if (is_new) {
    work_.Spend(20 + text.size());
    found->second = fonts_.Shape(face, text);
    ++shaped_texts_;
  }
  return found->second;
}

int Container::text_width(const char* text, litehtml::uint_ptr handle) {
  const Font& font = FontOf(handle);
  return static_cast<int>(std::lround(Shaped(font.face, text).width * font.size));
}

void Container::draw_text(litehtml::uint_ptr hdc, const char* text, litehtml::uint_ptr handle,
                          litehtml::web_color color, const litehtml::position& pos) {
  work_.Spend(10);
  const Font& font = FontOf(handle);
  constexpr int kFar = 1 << 20;
  if (std::abs(static_cast<int64_t>(pos.x)) > kFar ||
      std::abs(static_cast<int64_t>(pos.y)) > kFar || color.alpha == 0) {
    return;
  }
  const double baseline = pos.y + static_cast<double>(pos.height) - font.descent;
  if (std::abs(baseline) > kFar) return;
  const ShapedText& shaped = Shaped(font.face, text);
  cairo_t* cairo = CairoOf(hdc);
  // What is not kept otherwise, the colour, everybody sets who draws.
  const bool is_clipped = boxes_.HasClips();
  if (is_clipped) {
    cairo_save(cairo);
    boxes_.Clip(cairo);
  }
  SetColor(cairo, color);
  fonts_.Draw(cairo, shaped, font.size, pos.x, baseline);
  const double thickness = std::max(1.0, std::round(font.size / 14.0));
  const auto line = [&](double y) {
    cairo_rectangle(cairo, pos.x, std::round(y), pos.width, thickness);
    cairo_fill(cairo);
  };
  if (font.decoration & litehtml::font_decoration_underline) line(baseline + thickness);
  if (font.decoration & litehtml::font_decoration_overline) line(baseline - font.ascent);
  if (font.decoration & litehtml::font_decoration_linethrough) {
    line(baseline - fonts_.MetricsOf(font.face).x_height * font.size / 2);
  }
  if (is_clipped) cairo_restore(cairo);
}

int Container::pt_to_px(int pt) const {
  const int64_t pixels = static_cast<int64_t>(pt) * 96 / 72;
  return static_cast<int>(std::clamp<int64_t>(pixels, -1'000'000, 1'000'000));
}

int Container::get_default_font_size() const { return kDefaultFontSize; }

const char* Container::get_default_font_name() const { return "serif"; }

const Image* Container::FindImage(const char* src, const char* baseurl) {
  if (src == nullptr || *src == 0) return nullptr;
  return resources_.FindImage(ResolveIn(baseurl, src));
}

void Container::draw_list_marker(litehtml::uint_ptr hdc, const litehtml::list_marker& marker) {
  const Image* image = FindImage(marker.image.c_str(), marker.baseurl);
  boxes_.DrawListMarker(CairoOf(hdc), marker, image != nullptr ? image->surface() : nullptr);
}

void Container::load_image(const char* src, const char* baseurl, bool /*redraw_on_ready*/) {
  FindImage(src, baseurl);
}

void Container::get_image_size(const char* src, const char* baseurl, litehtml::size& size) {
  const Image* image = FindImage(src, baseurl);
  size.width = image != nullptr ? image->width() : 0;
  size.height = image != nullptr ? image->height() : 0;
}

void Container::draw_background(litehtml::uint_ptr hdc, const litehtml::background_paint& paint) {
  work_.Spend(10);
  const Image* image = FindImage(paint.image.c_str(), paint.baseurl.c_str());
  boxes_.DrawBackground(CairoOf(hdc), paint, image != nullptr ? image->surface() : nullptr);
}

void Container::draw_borders(litehtml::uint_ptr hdc, const litehtml::borders& borders,
                             const litehtml::position& pos, bool /*root*/) {
  work_.Spend(20);
  boxes_.DrawBorders(CairoOf(hdc), borders, pos);
}

void Container::set_caption(const char* caption) {
  if (caption == nullptr || !title_.empty()) return;
  for (const char c : std::string_view(caption).substr(0, kMostTitleBytes)) {
    const bool is_space = static_cast<unsigned char>(c) <= ' ';
    if (!is_space) {
      title_ += c;
    } else if (!title_.empty() && title_.back() != ' ') {
      title_ += ' ';
    }
  }
  if (title_.ends_with(' ')) title_.pop_back();
  // Cut inside a character, it is one no more.
  title_ = WellFormedUtf8(title_);
}

void Container::set_base_url(const char* base_url) {
  if (base_url == nullptr || *base_url == 0) return;
  if (std::string resolved = Resolve(base_url); !resolved.empty()) base_url_ = std::move(resolved);
}

void Container::link(const std::shared_ptr<litehtml::document>& /*document*/,
                     const litehtml::element::ptr& /*element*/) {}
void Container::on_anchor_click(const char* /*url*/, const litehtml::element::ptr& /*element*/) {}
void Container::set_cursor(const char* /*cursor*/) {}

void Container::transform_text(litehtml::tstring& text, litehtml::text_transform transform) {
  switch (transform) {
    case litehtml::text_transform_uppercase:
      text = InUpperCase(text);
      break;
    case litehtml::text_transform_lowercase:
      text = InLowerCase(text);
      break;
    case litehtml::text_transform_capitalize:
      text = Capitalized(text);
      break;
    case litehtml::text_transform_none:
      break;
  }
}

void Container::import_css(litehtml::tstring& text, const litehtml::tstring& url,
                           litehtml::tstring& baseurl) {
  text.clear();
  // Sheets may import each other in a ring, and litehtml recurses.
  if (++imports_ > kMostImports) return;
  const std::string absolute = ResolveIn(baseurl.c_str(), url);
  const std::string* css = resources_.StyleSheet(absolute);
  if (css == nullptr) return;
  text = CleanCss(*css, notes_.styles);
  baseurl = absolute;
}

void Container::set_clip(const litehtml::position& pos, const litehtml::border_radiuses& radiuses,
                         bool valid_x, bool valid_y) {
  boxes_.PushClip(pos, radiuses, valid_x, valid_y);
}

void Container::del_clip() { boxes_.PopClip(); }

void Container::get_client_rect(litehtml::position& client) const {
  client = litehtml::position(0, 0, width_, height_);
}

litehtml::element::ptr Container::create_element(
    const char* tag, const litehtml::string_map& attributes,
    const std::shared_ptr<litehtml::document>& document) {
  return elements_.Create(tag, attributes, document, notes_);
}

void Container::get_media_features(litehtml::media_features& media) const {
  media.type = litehtml::media_type_screen;
  media.width = media.device_width = width_;
  media.height = media.device_height = height_;
  media.color = 8;
  media.resolution = 96;
}

void Container::get_language(litehtml::tstring& language, litehtml::tstring& culture) const {
  language = "en";
  culture.clear();
}

void Container::split_text(const char* text, const std::function<void(const char*)>& on_word,
                           const std::function<void(const char*)>& on_space) {
  const std::string_view all = text;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) on_word(word.c_str());
    word.clear();
  };
  for (size_t at = 0; at < all.size();) {
    const size_t begin = at;
    // Most of a text.
    while (at < all.size() && all[at] > ' ' && all[at] < 0x7f) ++at;
    if (at != begin) {
      word += all.substr(begin, at - begin);
      continue;
    }
    const char32_t character = NextCharacter(all, at);
    const std::string bytes(all.substr(begin, at - begin));
    if (character == ' ' || character == '\t' || character == '\n' || character == '\r' ||
        character == '\f') {
      end_word();
      on_space(bytes.c_str());
    } else if (IsWordOfItsOwn(character)) {
      end_word();
      on_word(bytes.c_str());
    } else {
      word += bytes;
    }
  }
  end_word();
}

}  // namespace browser_host
