#include "examples/browser_host/gallery.h"

#include <stdio.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "examples/browser_host/html_text.h"
#include "examples/browser_host/process_rows.h"
#include "examples/browser_host/write_file.h"

namespace browser_host {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Pages</title>
<style>
body { font-family: sans-serif; margin: 24px; background: #fff; color: #222; }
figure { display: inline-block; vertical-align: top; width: 260px; margin: 0 16px 24px 0; }
figure img { width: 260px; border: 1px solid #bbb; }
figcaption { font-size: 13px; overflow-wrap: anywhere; }
.what { color: #666; }
table { border-collapse: collapse; font-size: 13px; }
td, th { padding: 3px 10px; text-align: left; border-bottom: 1px solid #ddd; }
</style>
)";

// In a link everything but what is sure to be itself there.
std::string Linked(std::string_view path) {
  std::string link;
  for (const char letter : path) {
    const bool is_plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') || letter == '.' || letter == '/' ||
                          letter == '-' || letter == '_';
    if (is_plain) {
      link += letter;
    } else {
      absl::StrAppendFormat(&link, "%%%02X", static_cast<unsigned char>(letter));
    }
  }
  return link;
}

std::string Milliseconds(uint64_t nanos) {
  return absl::StrFormat("%.1f ms", static_cast<double>(nanos) / 1e6);
}

void AppendPage(std::string& html, std::string_view folder, const OpenedPage& page) {
  absl::StrAppend(&html, "<figure>");
  std::vector<std::string> what;
  if (!page.result.error.empty()) what.push_back(page.result.error);
  if (!page.picture_file.empty()) {
    const std::string file = Linked(absl::StrCat(std::string(folder), "/", page.picture_file));
    absl::StrAppend(&html, "<a href=\"", file, "\"><img src=\"", file, "\" alt=\"\"></a>");
    what.push_back(absl::StrCat(PictureSizeText(page), ", painted in ",
                                Milliseconds(page.result.paint_nanos)));
  } else if (!page.result.no_picture.empty()) {
    what.push_back(page.result.no_picture);
  }
  if (HasBadStatus(page)) what.push_back(absl::StrCat("status ", page.http_status));
  if (const std::string missing = page.result.missing.ToString(); !missing.empty()) {
    what.push_back("missing: " + missing);
  }
  if (const std::string blocked = BlockedText(page); !blocked.empty()) {
    what.push_back("blocked: " + blocked);
  }
  if (const std::string undecoded = UndecodedText(page); !undecoded.empty()) {
    what.push_back("undecoded: " + undecoded);
  }
  absl::StrAppend(&html, "<figcaption><b>", HtmlText(page.result.summary.title), "</b><br>",
                  HtmlText(page.url), "<br><span class=\"what\">",
                  HtmlText(absl::StrJoin(what, "; ")), "</span></figcaption></figure>\n");
}

void AppendProcess(std::string& html, const ProcessRow& row) {
  absl::StrAppend(&html, "<tr><td style=\"padding-left: ", 10 + 24 * row.depth, "px\">",
                  HtmlText(row.type), "<td>", row.pid, "<td>", HtmlText(row.remote_type), "<td>",
                  HtmlText(row.by), "<td>", row.pages, "<td>");
  absl::StrAppend(&html, row.private_memory, "<td>", row.launch, "<td>", HtmlText(row.end), "\n");
}

}  // namespace

std::string GalleryHtml(std::string_view folder, const BrowserResult& result,
                        const forkserver::ForkServer& server) {
  std::string html(kHead);
  absl::StrAppendFormat(&html, "<h1>%d pages</h1>\n", result.pages.size());
  for (const OpenedPage& page : result.pages) AppendPage(html, folder, page);
  absl::StrAppend(&html,
                  "<h2>Processes</h2>\n<table>\n<tr><th>type<th>pid<th>remote type<th>by<th>pages"
                  "<th>private<th>launch to Ready<th>end\n");
  for (const ProcessRow& row : ProcessTree(result, server)) AppendProcess(html, row);
  absl::StrAppend(&html, "</table>\n</html>\n");
  return html;
}

absl::Status WriteGallery(const std::string& path, std::string_view folder,
                          const BrowserResult& result, const forkserver::ForkServer& server) {
  return WriteFile(path, [html = GalleryHtml(folder, result, server)](FILE* file, const auto&) {
    fwrite(html.data(), 1, html.size(), file);
    return absl::OkStatus();
  });
}

}  // namespace browser_host
