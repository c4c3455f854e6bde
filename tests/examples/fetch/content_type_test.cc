#include "examples/browser_host/fetch/content_type.h"

#include <gtest/gtest.h>

#include <string>

namespace browser_host {
namespace {

std::string Parsed(std::string_view header) {
  const ContentType parsed = ParseContentType(header);
  return parsed.type + " " + parsed.charset;
}

TEST(ContentType, IsLowerCaseAndWithoutItsParameters) {
  EXPECT_EQ(Parsed("text/html"), "text/html ");
  EXPECT_EQ(Parsed("Text/HTML;Charset=UTF-8"), "text/html utf-8");
  EXPECT_EQ(Parsed(" text/css ; charset = latin1 "), "text/css latin1");
  EXPECT_EQ(Parsed("a/b; x=\"; charset=no\"; charset=\"Yes\"; charset=late"), "a/b yes");
  EXPECT_EQ(Parsed("a/b; x=\"\\\"; charset=no\"; charset=yes"), "a/b yes");
  EXPECT_EQ(Parsed("a/b; flag; charset=yes"), "a/b yes");
  EXPECT_EQ(Parsed("a/b;;;=;charset=yes;"), "a/b yes");
}

TEST(ContentType, ThatIsMalformedIsNone) {
  for (const std::string_view header :
       {"", ";", "text", "text/", "/html", "text/ht ml", "text/html, text/css", "te\"xt/html",
        "text/html\x01", "text/h\xc3\xa4ml", "a/b/c"}) {
    EXPECT_EQ(Parsed(header), " ") << header;
  }
  EXPECT_EQ(Parsed("a/" + std::string(126, 'b')).size(), 129u);
  EXPECT_EQ(Parsed("a/" + std::string(127, 'b')), " ");
  for (const std::string_view header :
       {"a/b; charset", "a/b; charset=", "a/b; charset=\"", "a/b; charset=\"x y\"",
        "a/b; charset=\"x\\", "a/b; charset=\xff"}) {
    EXPECT_EQ(Parsed(header), "a/b ") << header;
  }
  EXPECT_EQ(Parsed("a/b; charset=" + std::string(65, 'x')), "a/b ");
}

TEST(ContentType, OfAPageIsOneThatIsLaidOut) {
  for (const std::string_view type :
       {"", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"}) {
    EXPECT_TRUE(CheckPageType(type).ok()) << type;
  }
  for (const std::string type : {"application/pdf", "image/png", "text/htm", "text/css",
                                 "application/octet-stream", "application/json"}) {
    EXPECT_EQ(CheckPageType(type), absl::InvalidArgumentError(type + " is not shown"));
  }
}

TEST(ContentType, OfAFileIsThatOfItsNameWhereItIsNoPage) {
  EXPECT_EQ(ContentTypeOfName("/doc/Manual.PDF"), "application/pdf");
  EXPECT_EQ(ContentTypeOfName("a.html.gz"), "application/gzip");
  EXPECT_EQ(ContentTypeOfName("NOTES.txt"), "text/plain");
  // As by http, where a server says so.
  for (const std::string_view path : {"a.css", "a.js", "a.json"}) {
    EXPECT_FALSE(CheckPageType(ContentTypeOfName(path)).ok()) << path;
  }
  for (const std::string_view path : {"", "pdf", "a.html", "README", "/a.pdf/b", "a.1"}) {
    EXPECT_EQ(ContentTypeOfName(path), "") << path;
  }
}

TEST(ContentType, OfAPictureIsItsSignature) {
  EXPECT_TRUE(IsImageSignature("\x89PNG\r\n\x1a\n"));
  EXPECT_TRUE(IsImageSignature("\xff\xd8\xff"));
  EXPECT_TRUE(IsImageSignature("GIF87a"));
  EXPECT_TRUE(IsImageSignature("GIF89a"));
  EXPECT_TRUE(IsImageSignature("RIFF....WEBP"));
  for (const std::string_view bytes : {"", "\x89PNG", "\xff\xd8", "GIF", "RIFF....WEB",
                                       "RIFF....WAVE", "<svg>", "<!DOCTYPE html>", " GIF89a"}) {
    EXPECT_FALSE(IsImageSignature(bytes)) << bytes;
  }
}

}  // namespace
}  // namespace browser_host
