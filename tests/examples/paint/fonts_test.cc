#include "examples/browser_host/paint/fonts.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <set>
#include <string>
#include <vector>

namespace browser_host {
namespace {

const Fonts& TheFonts() { return **Fonts::OfThisProcess(); }

double Width(const std::string& text) {
  const Fonts& fonts = TheFonts();
  return fonts.Shape(fonts.FaceFor("sans-serif", FontWeight::kRegular, FontSlant::kUpright), text)
      .width;
}

TEST(Fonts, HaveAFaceForEachFamilyAndStyle) {
  std::set<size_t> faces;
  for (const char* family : {"sans-serif", "serif", "monospace"}) {
    for (const FontWeight weight : {FontWeight::kRegular, FontWeight::kBold}) {
      for (const FontSlant slant : {FontSlant::kUpright, FontSlant::kItalic}) {
        faces.insert(TheFonts().FaceFor(family, weight, slant));
      }
    }
  }
  EXPECT_EQ(faces.size(), 12u);
  for (const size_t face : faces) {
    const FaceMetrics metrics = TheFonts().MetricsOf(face);
    EXPECT_GT(metrics.ascent, 0.5);
    EXPECT_LT(metrics.ascent, 1.5);
    EXPECT_GT(metrics.descent, 0.1);
    EXPECT_LT(metrics.x_height, metrics.ascent);
  }
}

TEST(Fonts, TakeTheFirstOfAListThatIsThere) {
  const auto face = [](const std::string& families) {
    return TheFonts().FaceFor(families, FontWeight::kRegular, FontSlant::kUpright);
  };
  EXPECT_EQ(face("'No Such Font', monospace"), face("monospace"));
  EXPECT_EQ(face("Courier, serif"), face("monospace"));
  EXPECT_EQ(face("\"DejaVu Serif\" , sans-serif"), face("serif"));
  EXPECT_EQ(face("Arial"), face("sans-serif"));
  EXPECT_EQ(face("Times"), face("serif"));
  for (const char* odd : {"", ",", "'", "\"\"", ",,'a',", "'a"}) EXPECT_LT(face(odd), 12u) << odd;
  face(std::string(100'000, ','));
  face(std::string(100'000, 'x'));
}

TEST(Fonts, MeasureTextByItsLetters) {
  EXPECT_DOUBLE_EQ(Width(""), 0);
  EXPECT_NEAR(Width("mmmm"), 4 * Width("m"), 0.01);
  EXPECT_LT(Width("i"), Width("m"));
  // A mark is on its letter.
  EXPECT_NEAR(Width("e\u0301"), Width("e"), 0.01);
  EXPECT_GT(Width("\u05d0\u05d1"), Width("\u05d0"));
}

TEST(Fonts, ShapeWordsOfSeveralScriptsInRuns) {
  const ShapedText text = TheFonts().Shape(0, "ab \u05d0\u05d1 \u0416");
  size_t glyphs = 0;
  for (const ShapedText::Run& run : text.runs) {
    for (const cairo_glyph_t& glyph : run.glyphs) {
      EXPECT_GE(glyph.x, 0);
      EXPECT_LE(glyph.x, text.width);
    }
    glyphs += run.glyphs.size();
  }
  EXPECT_GE(text.runs.size(), 2u);
  EXPECT_EQ(glyphs, 7u);
  // Of the Hebrew letters the first is on the right.
  const ShapedText alef = TheFonts().Shape(0, "\u05d0"), both = TheFonts().Shape(0, "\u05d0\u05d1");
  EXPECT_EQ(both.runs[0].glyphs.back().index, alef.runs[0].glyphs[0].index);
}

TEST(Fonts, KeepNothingOfWhatTheyWereAsked) {
  const auto ask = [](int times) {
    for (int i = 0; i < times; ++i) {
      TheFonts().FaceFor("Family" + std::to_string(i) + ", serif", FontWeight::kBold,
                         FontSlant::kItalic);
      TheFonts().Shape(0, "word" + std::to_string(i));
    }
  };
  ask(500);
  const size_t before = mallinfo2().uordblks;
  ask(500);
  EXPECT_LT(mallinfo2().uordblks, before + 16 * 1024);
}

// An image, and what draws on it.
struct Image {
  static constexpr int kWidth = 400;
  static constexpr int kHeight = 40;

  Image() {
    cairo_set_source_rgb(cairo, 0.9, 0.8, 0.5);
    cairo_paint(cairo);
  }
  ~Image() {
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  int Byte(int x, int y, int which) const {
    return cairo_image_surface_get_data(
        surface)[y * cairo_image_surface_get_stride(surface) + x * 4 + which];
  }

  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, kWidth, kHeight);
  cairo_t* cairo = cairo_create(surface);
};

// In a group it is cairo that draws.
TEST(Fonts, DrawLettersAsCairoDoes) {
  const Fonts& fonts = TheFonts();
  // Apart, since where two letters of a word overlap cairo may add what they cover.
  for (const double alpha : {1.0, 0.4}) {
    for (const FontWeight weight : {FontWeight::kRegular, FontWeight::kBold}) {
      const size_t face = fonts.FaceFor("serif", weight, FontSlant::kUpright);
      const ShapedText text = fonts.Shape(face, "A p a r t , 2 6 : Q j h g");
      Image ours;
      Image cairos;
      cairo_push_group(cairos.cairo);
      int drawn = 0;
      for (const Image* image : {&ours, &cairos}) {
        cairo_rectangle(image->cairo, 11, 3, 220, 30);
        cairo_clip(image->cairo);
        cairo_set_source_rgba(image->cairo, 0.1, 0.2, 0.6, alpha);
        fonts.Draw(image->cairo, text, 21, 7.4, 24.6);
      }
      cairo_pop_group_to_source(cairos.cairo);
      cairo_paint(cairos.cairo);
      for (int y = 0; y < Image::kHeight; ++y) {
        for (int x = 0; x < Image::kWidth; ++x) {
          for (int which = 0; which < 4; ++which) {
            // The group is laid over the ground in one more step, rounded.
            ASSERT_NEAR(ours.Byte(x, y, which), cairos.Byte(x, y, which), 2) << x << ", " << y;
          }
          drawn += ours.Byte(x, y, 0) != ours.Byte(0, 0, 0) ? 1 : 0;
        }
      }
      EXPECT_GT(drawn, 500);
    }
  }
}

// Words, and what looks like none.
std::vector<std::string> PlainTexts() {
  std::vector<std::string> texts = {" ",   "office",   "AVATAR",     "Yes,",   "fi",   "waffle",
                                    "www", "...",      "500",        "37.5",   "(a)",  "LTA",
                                    "x1",  "e\u0301a", "flour",      "reflow", "leaf", "fifi",
                                    "Afl", "fl.",      "shelf-life", "Yeast,"};
  uint32_t random = 1;
  const auto next = [&random](uint32_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % below;
  };
  for (int i = 0; i < 3000; ++i) {
    std::string& text = texts.emplace_back();
    // Letters for the most part.
    const bool is_word = next(4) != 0;
    for (uint32_t left = 1 + next(12); left > 0; --left) {
      text += is_word ? static_cast<char>('a' + next(26)) : static_cast<char>(' ' + next(95));
      if (is_word && next(8) == 0) text += next(2) == 0 ? "fi" : "fl";
    }
  }
  return texts;
}

TEST(Fonts, ShapePlainTextsTheSameWhenTheyHaveMeasuredThem) {
  const std::vector<std::string> texts = PlainTexts();
  constexpr size_t kFaces = 12;
  std::vector<ShapedText> by_harfbuzz;
  for (size_t face = 0; face < kFaces; ++face) {
    for (const std::string& text : texts) by_harfbuzz.push_back(TheFonts().Shape(face, text));
  }
  TheFonts().MeasurePlainShapes();
  for (size_t i = 0; i < by_harfbuzz.size(); ++i) {
    SCOPED_TRACE(testing::Message() << i / texts.size() << " " << texts[i % texts.size()]);
    const ShapedText& expected = by_harfbuzz[i];
    const ShapedText shaped = TheFonts().Shape(i / texts.size(), texts[i % texts.size()]);
    ASSERT_EQ(shaped.width, expected.width);
    ASSERT_EQ(shaped.runs.size(), expected.runs.size());
    for (size_t run = 0; run < shaped.runs.size(); ++run) {
      ASSERT_EQ(shaped.runs[run].face, expected.runs[run].face);
      ASSERT_EQ(shaped.runs[run].glyphs.size(), expected.runs[run].glyphs.size());
      for (size_t glyph = 0; glyph < shaped.runs[run].glyphs.size(); ++glyph) {
        ASSERT_EQ(shaped.runs[run].glyphs[glyph].index, expected.runs[run].glyphs[glyph].index);
        ASSERT_EQ(shaped.runs[run].glyphs[glyph].x, expected.runs[run].glyphs[glyph].x);
        ASSERT_EQ(shaped.runs[run].glyphs[glyph].y, expected.runs[run].glyphs[glyph].y);
      }
    }
  }
}

}  // namespace
}  // namespace browser_host
