#include "examples/browser_host/message_page.h"

#include "absl/strings/str_cat.h"
#include "examples/browser_host/html_text.h"

namespace browser_host {
namespace {

constexpr char kStyle[] =
    "body { font-family: sans-serif; margin: 16px; color: #333; background: #f4f4f4; }\n"
    "h1 { font-size: 20px; color: #8a2b2b; margin: 0 0 8px 0; }\n"
    "p { margin: 4px 0; }\n"
    ".url { color: #555; }\n"
    ".note { color: #555; font-size: 13px; margin-top: 12px; }\n";

std::string Paragraph(const char* name, std::string_view text) {
  if (text.empty()) return "";
  return absl::StrCat("<p class=\"", name, "\">", HtmlText(text), "</p>\n");
}

}  // namespace

std::string MessagePage(const PageMessage& message) {
  const std::string title = HtmlText(message.title);
  return absl::StrCat("<!doctype html>\n<meta charset=\"utf-8\">\n<title>", title,
                      "</title>\n<style>\n", kStyle, "</style>\n<h1>", title, "</h1>\n",
                      Paragraph("url", message.url), Paragraph("text", message.text),
                      Paragraph("note", message.note));
}

}  // namespace browser_host
