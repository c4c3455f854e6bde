#include "examples/browser_host/paint/fonts.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <set>
#include <string>

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

}  // namespace
}  // namespace browser_host
