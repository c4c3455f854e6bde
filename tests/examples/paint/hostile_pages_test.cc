// Pages that somebody made to do harm. Each must end, in a picture or in an error of one line.
#include "tests/examples/paint/hostile_pages.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/examples/paint/painted.h"

namespace browser_host {
namespace {

constexpr PaintBounds kBounds = {.time = std::chrono::seconds(2)};

void ExpectEnd(const std::string& html, const std::string& what) {
  const auto begin = std::chrono::steady_clock::now();
  const Painted page = Paint(
      html, {.width = 300, .most_height = 500}, kBounds,
      [&](PagePainter& one, const NeededResource& needed) {
        if (needed.kind == ResourceKind::kStyleSheet) {
          // It imports itself, and another one.
          one.SupplyStyleSheet(needed.url, "@import '" + needed.url + "'; @import 'x.css'; p {}")
              .IgnoreError();
        } else {
          one.SupplyImage(needed.url, {.width = 2, .height = 1, .argb = {1, 0xffffffff}})
              .IgnoreError();
        }
      });
  if (!page.status.ok()) {
    const std::string why(page.status.message());
    EXPECT_TRUE(why.starts_with("page ")) << what << ": " << why;
    EXPECT_EQ(why.find('\n'), std::string::npos) << what;
  } else {
    page.page->links();
    page.page->frames();
  }
  // Rather than that it hangs; the test's own limit is minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60)) << what;
}

TEST(HostilePages, EndInAPictureOrAnErrorOfOneLine) {
  const std::vector<HostilePage> kinds = HostilePages();
  EXPECT_GE(kinds.size(), 20u);
  for (const HostilePage& kind : kinds) {
    SCOPED_TRACE(kind.what);
    ExpectEnd(kind.html, kind.what);
  }
}

TEST(HostilePages, ThatChanceWroteEndToo) {
  for (uint32_t seed = 1; seed <= 600; ++seed) {
    ExpectEnd(RandomPage(seed), "seed " + std::to_string(seed));
    if (HasFatalFailure()) return;
  }
}

TEST(HostilePages, CutAtAnyByteEndToo) {
  const std::string html =
      "<!DOCTYPE html><html><head><title>T</title><style>p{color:red}@media "
      "screen{b{top:0}}</style>"
      "<link rel=stylesheet href=a.css></head><body><table><tr><td "
      "colspan=2>\u00e9&eacute;</td></tr>"
      "</table><img src='a.png' style=\"width:10px\"><iframe src=b></iframe><!-- c "
      "--></body></html>";
  for (size_t size = 0; size < html.size(); ++size) {
    ExpectEnd(html.substr(0, size), "cut at " + std::to_string(size));
  }
}

}  // namespace
}  // namespace browser_host
