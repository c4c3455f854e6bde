#include "examples/browser_host/about/about_html.h"

#include <stdint.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/about/about_address.h"
#include "examples/browser_host/about/pref_text.h"
#include "examples/browser_host/html_text.h"

namespace browser_host {
namespace {

// Of what comes behind the rows.
constexpr size_t kMaxFootBytes = 1024;

std::string Head(std::string_view title) {
  return absl::StrCat(
      "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>", std::string(title),
      "</title>\n<style>\n"
      "body { font-family: sans-serif; font-size: 13px; margin: 16px; color: #15141a; }\n"
      "h1 { font-size: 20px; font-weight: normal; }\n"
      "table { border-collapse: collapse; }\n"
      "th, td { text-align: left; vertical-align: top; padding: 3px 10px 3px 0;"
      " border-bottom: 1px solid #e0e0e6; }\n"
      ".number { text-align: right; }\n"
      ".set { font-weight: bold; }\n"
      ".outcome { background-color: #f0f0f4; padding: 6px; }\n"
      "</style></head>\n<body><h1>",
      std::string(title), "</h1>\n");
}

std::string Cell(std::string_view text) { return absl::StrCat("<td>", HtmlText(text), "</td>"); }

// Nothing for what nobody knows.
std::string NumberCell(int64_t number, std::string_view unit) {
  if (number < 0) return "<td class=\"number\">–</td>";
  return absl::StrFormat("<td class=\"number\">%d%s</td>", number, std::string(unit));
}

// Rows as long as there is room for them.
class Table {
 public:
  explicit Table(std::string head) : html_(std::move(head)) {}

  void Add(const std::string& row) {
    if (left_out_ > 0 || html_.size() + row.size() + kMaxFootBytes > kMaxAboutPageBytes) {
      ++left_out_;
    } else {
      html_ += row;
    }
  }
  // `others`: that nobody added.
  std::string End(size_t others) && {
    html_ += "</table>\n";
    const size_t left_out = left_out_ + others;
    if (left_out > 0) absl::StrAppend(&html_, "<p>", left_out, " more are not shown.</p>\n");
    return html_ + "</body></html>\n";
  }

 private:
  std::string html_;
  size_t left_out_ = 0;
};

std::string RowOf(const ProcessField& process) {
  return absl::StrCat("<tr>", NumberCell(process.pid, ""), Cell(process.type.view()),
                      Cell(process.remote_type.view()), NumberCell(process.pages, ""),
                      NumberCell(process.private_kib, " KiB"),
                      NumberCell(process.launch_micros, " µs"), Cell(process.state.view()),
                      "</tr>\n");
}

std::string StateOf(const PrefField& pref) {
  std::string state = pref.is_locked ? "locked" : pref.is_user_set ? "set" : "default";
  if (pref.is_user_set && pref.is_default) state += ", as its default";
  return state;
}

// The other value, of one that has two.
std::string EditOf(const PrefField& pref) {
  if (pref.is_locked || pref.kind != AboutPrefKind::kBool) return "<td></td>";
  const std::string other = pref.value == "true" ? "false" : "true";
  return absl::StrCat("<td><a href=\"",
                      HtmlText(AddressOf({.name = pref.name.str(), .value = other})), "\">set ",
                      other, "</a></td>");
}

std::string RowOf(const PrefField& pref) {
  std::string value = HtmlText(pref.value.view());
  if (pref.is_cut) value += "…";
  return absl::StrCat(pref.is_default ? "<tr>" : "<tr class=\"set\">", Cell(pref.name.view()),
                      Cell(StateOf(pref)), Cell(KindName(pref.kind)), "<td>", value, "</td>",
                      EditOf(pref), "</tr>\n");
}

}  // namespace

std::string ProcessesHtml(const ProcessesView& view) {
  Table table(absl::StrCat(Head("Processes"),
                           "<table><tr><th>PID</th><th>Type</th><th>Remote type</th><th>Pages</th>"
                           "<th>Private</th><th>Launch</th><th>State</th></tr>\n"));
  for (const ProcessField& row : view.rows) table.Add(RowOf(row));
  return std::move(table).End(view.left_out);
}

std::string PrefsHtml(const PrefsView& view) {
  std::string head = Head("Prefs");
  if (!view.outcome.empty()) {
    absl::StrAppend(&head, "<p class=\"outcome\">", HtmlText(view.outcome), "</p>\n");
  }
  absl::StrAppend(&head, "<p>", view.prefs.size(), " of ", view.all, " prefs");
  // The address may be as long as it likes.
  constexpr size_t kMaxShownBytes = 200;
  if (!view.filter.empty()) {
    absl::StrAppend(&head, ", with '", HtmlText(view.filter.substr(0, kMaxShownBytes)),
                    "' in their name");
  }
  absl::StrAppend(&head,
                  ".</p>\n<table><tr><th>Name</th><th>State</th><th>Kind</th><th>Value</th>"
                  "<th></th></tr>\n");
  Table table(std::move(head));
  for (const PrefField& pref : view.prefs) table.Add(RowOf(pref));
  return std::move(table).End(view.left_out);
}

}  // namespace browser_host
