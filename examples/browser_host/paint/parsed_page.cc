#include "examples/browser_host/paint/parsed_page.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/browser_host/paint/well_formed.h"
#include "examples/browser_host/paint/work_budget.h"

namespace browser_host {
namespace {

absl::Status TooMany(const std::string& what) {
  return absl::ResourceExhaustedError(absl::StrCat("page ", what));
}

absl::Status TooLarge(const PaintBounds& bounds) {
  return TooMany(absl::StrCat("is larger than ", bounds.html_bytes, " bytes"));
}

// All memory of one parse. gumbo cannot be told that there is none left, so it is left by a jump:
// it is C and holds nothing but this memory.
class ParseMemory {
 public:
  explicit ParseMemory(const PaintBounds& bounds)
      : most_bytes_(bounds.parse_bytes), work_(bounds.time, bounds.since) {
    work_.Begin();
  }
  ~ParseMemory() { FreeAll(); }
  ParseMemory(const ParseMemory&) = delete;
  ParseMemory& operator=(const ParseMemory&) = delete;

  void FreeAll() {
    while (first_ != nullptr) Free(this, first_ + 1);
  }

  static void* Allocate(void* self, size_t size) {
    return static_cast<ParseMemory*>(self)->AllocateBlock(size);
  }

  static void Free(void* self, void* memory) {
    if (memory == nullptr) return;
    auto* parse_memory = static_cast<ParseMemory*>(self);
    Block* block = static_cast<Block*>(memory) - 1;
    (block->before != nullptr ? block->before->after : parse_memory->first_) = block->after;
    if (block->after != nullptr) block->after->before = block->before;
    parse_memory->bytes_ -= block->size;
    free(block);
  }

  jmp_buf refused;
  bool is_late() const { return is_late_; }

 private:
  struct alignas(16) Block {
    Block* before;
    Block* after;
    size_t size;
  };

  void* AllocateBlock(size_t size) {
    if (++calls_ % 1024 == 0 && work_.IsOver()) {
      is_late_ = true;
      longjmp(refused, 1);
    }
    if (size > most_bytes_ - bytes_) longjmp(refused, 1);
    auto* block = static_cast<Block*>(malloc(sizeof(Block) + size));
    if (block == nullptr) longjmp(refused, 1);
    *block = {.before = nullptr, .after = first_, .size = size};
    if (first_ != nullptr) first_->before = block;
    first_ = block;
    bytes_ += size;
    return block + 1;
  }

  size_t most_bytes_;
  WorkBudget work_;
  Block* first_ = nullptr;
  size_t bytes_ = 0;
  size_t calls_ = 0;
  bool is_late_ = false;
};

// Null where the page is refused. Has no objects that the jump would leave behind.
GumboOutput* ParseInto(ParseMemory& memory, std::string_view html) {
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = ParseMemory::Allocate;
  options.deallocator = ParseMemory::Free;
  options.userdata = &memory;
  // Nobody reads the errors, of which there are some for each tag, with a list of all that is open:
  // of 10,000 nested <div> half a gigabyte.
  options.max_errors = 0;
  if (setjmp(memory.refused) != 0) return nullptr;
  return gumbo_parse_with_options(&options, html.data(), html.size());
}

const GumboVector* ChildrenOf(const GumboNode& node) {
  if (node.type == GUMBO_NODE_DOCUMENT) return &node.v.document.children;
  if (node.type == GUMBO_NODE_ELEMENT || node.type == GUMBO_NODE_TEMPLATE) {
    return &node.v.element.children;
  }
  return nullptr;
}

// Words and the spaces between them.
size_t CountWords(const char* text) {
  size_t words = 0;
  bool in_word = false;
  for (; *text != 0; ++text) {
    const auto byte = static_cast<unsigned char>(*text);
    if (byte <= ' ') {
      ++words;
      in_word = false;
    } else {
      // A Chinese character is a word of its own, so each that is not ASCII is counted as one.
      if (!in_word || byte >= 0xc0) ++words;
      in_word = true;
    }
  }
  return words;
}

absl::Status CheckTree(const GumboNode& document, const PaintBounds& bounds) {
  struct Open {
    const GumboNode* node;
    unsigned next;
  };
  std::vector<Open> open = {{&document, 0}};
  size_t elements = 0;
  size_t words = 0;
  while (!open.empty()) {
    Open& last = open.back();
    const GumboVector* children = ChildrenOf(*last.node);
    if (children == nullptr || last.next == children->length) {
      open.pop_back();
      continue;
    }
    const auto* child = static_cast<const GumboNode*>(children->data[last.next++]);
    if (ChildrenOf(*child) == nullptr) {
      words += CountWords(child->v.text.text);
      if (words > bounds.words) {
        return TooMany(absl::StrCat("has more than ", bounds.words, " words"));
      }
      continue;
    }
    if (++elements > bounds.elements) {
      return TooMany(absl::StrCat("has more than ", bounds.elements, " elements"));
    }
    if (open.size() > bounds.depth) {
      return TooMany(absl::StrCat("nests more than ", bounds.depth, " elements"));
    }
    open.push_back({child, 0});
  }
  return absl::OkStatus();
}

}  // namespace

struct ParsedPage::Tree {
  Tree(std::string text, const PaintBounds& bounds) : html(std::move(text)), memory(bounds) {}

  std::string html;  // the tree refers to it
  ParseMemory memory;
  GumboOutput* output = nullptr;
};

ParsedPage::ParsedPage(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
ParsedPage::ParsedPage(ParsedPage&&) noexcept = default;
ParsedPage& ParsedPage::operator=(ParsedPage&&) noexcept = default;
ParsedPage::~ParsedPage() = default;

absl::StatusOr<ParsedPage> ParsedPage::Parse(std::string_view bytes, const PaintBounds& bounds) {
  if (bytes.size() > bounds.html_bytes) return TooLarge(bounds);
  auto tree = std::make_unique<Tree>(WellFormedUtf8(bytes), bounds);
  tree->output = ParseInto(tree->memory, tree->html);
  if (tree->output != nullptr) return ParsedPage(std::move(tree));
  if (tree->memory.is_late()) {
    return TooMany(absl::StrCat("takes longer than ", bounds.time.count(), " ms"));
  }
  return TooMany(absl::StrCat("needs more than ", bounds.parse_bytes, " bytes to be parsed"));
}

const GumboNode& ParsedPage::document() const { return *tree_->output->document; }

absl::Status ParsedPage::Check(const PaintBounds& bounds) const {
  if (tree_->html.size() > bounds.html_bytes) return TooLarge(bounds);
  return CheckTree(document(), bounds);
}

const std::string& ParsedPage::html() const { return tree_->html; }
GumboOutput& ParsedPage::output() { return *tree_->output; }

void ParsedPage::DropTree() {
  tree_->output = nullptr;
  tree_->memory.FreeAll();
}

}  // namespace browser_host
