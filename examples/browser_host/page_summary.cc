#include "examples/browser_host/page_summary.h"

#include <gumbo.h>

#include <string_view>
#include <utility>

#include "examples/browser_host/paint/parsed_page.h"

namespace browser_host {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

// Appends `text` with runs of white space as one space.
void AppendCollapsed(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (!IsSpace(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
}

bool IsHidden(GumboTag tag) {
  return tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE || tag == GUMBO_TAG_TEMPLATE ||
         tag == GUMBO_TAG_NOSCRIPT || tag == GUMBO_TAG_TITLE;
}

int HeadingLevel(GumboTag tag) {
  return tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6 ? tag - GUMBO_TAG_H1 + 1 : 0;
}

const GumboVector* Children(const GumboNode& node) {
  switch (node.type) {
    case GUMBO_NODE_DOCUMENT:
      return &node.v.document.children;
    case GUMBO_NODE_ELEMENT:
    case GUMBO_NODE_TEMPLATE:
      return &node.v.element.children;
    default:
      return nullptr;
  }
}

bool IsText(const GumboNode& node) {
  return node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE ||
         node.type == GUMBO_NODE_CDATA;
}

class Summarizer {
 public:
  void Walk(const GumboNode& root) {
    struct Level {
      const GumboNode* node;
      unsigned next_child;
    };
    std::vector<Level> path = {{&root, 0}};
    Enter(root);
    while (!path.empty()) {
      Level& level = path.back();
      const GumboVector* children = Children(*level.node);
      if (children == nullptr || level.next_child >= children->length) {
        Leave(*level.node);
        path.pop_back();
        continue;
      }
      const GumboNode& child = *static_cast<const GumboNode*>(children->data[level.next_child++]);
      Enter(child);
      path.push_back({&child, 0});
    }
  }

  PageSummary Take() {
    summary_.text_bytes = Trimmed(text_).size();
    summary_.title = Trimmed(summary_.title);
    return std::move(summary_);
  }

 private:
  static std::string Trimmed(std::string text) {
    if (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
  }

  void Enter(const GumboNode& node) {
    if (IsText(node)) return AddText(node.v.text.text);
    if (node.type != GUMBO_NODE_ELEMENT && node.type != GUMBO_NODE_TEMPLATE) return;
    const GumboElement& element = node.v.element;
    if (IsHidden(element.tag)) ++hidden_;
    if (element.tag == GUMBO_TAG_TITLE && !has_title_ &&
        element.tag_namespace == GUMBO_NAMESPACE_HTML) {
      in_title_ = &node;
    }
    if (HeadingLevel(element.tag) != 0 && in_heading_ == nullptr) {
      in_heading_ = &node;
      heading_.clear();
    }
    if (element.tag == GUMBO_TAG_A) {
      if (const GumboAttribute* href = gumbo_get_attribute(&element.attributes, "href")) {
        summary_.links.push_back(href->value);
      }
    }
  }

  void Leave(const GumboNode& node) {
    if (node.type != GUMBO_NODE_ELEMENT && node.type != GUMBO_NODE_TEMPLATE) return;
    const GumboElement& element = node.v.element;
    if (IsHidden(element.tag)) --hidden_;
    if (in_title_ == &node) {
      in_title_ = nullptr;
      has_title_ = true;
    }
    if (in_heading_ == &node) {
      in_heading_ = nullptr;
      summary_.headings.push_back("h" + std::to_string(HeadingLevel(element.tag)) + " " +
                                  Trimmed(heading_));
    }
  }

  void AddText(std::string_view text) {
    if (in_title_ != nullptr) AppendCollapsed(text, summary_.title);
    if (hidden_ > 0) return;
    AppendCollapsed(text, text_);
    if (in_heading_ != nullptr) AppendCollapsed(text, heading_);
  }

  PageSummary summary_;
  std::string text_;
  std::string heading_;
  const GumboNode* in_title_ = nullptr;
  const GumboNode* in_heading_ = nullptr;
  bool has_title_ = false;
  int hidden_ = 0;
};

}  // namespace

PageSummary SummarizePage(const ParsedPage& page) {
  Summarizer summarizer;
  summarizer.Walk(page.document());
  return summarizer.Take();
}

}  // namespace browser_host
