#include "examples/browser_host/paint/font_families.h"

#include <algorithm>

#include "examples/browser_host/paint/well_formed.h"

namespace browser_host {
namespace {

constexpr size_t kMostFamilyBytes = 256;
constexpr size_t kMostFamilies = 256;

// Of the names in a CSS list, as fontconfig takes them.
std::vector<std::string> Families(std::string_view list) {
  list = list.substr(0, kMostFamilyBytes);
  std::vector<std::string> families;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.size() >= 2 && (name.front() == '"' || name.front() == '\'')) {
      name.remove_prefix(1);
      name.remove_suffix(1);
    }
    if (!name.empty()) families.push_back(WellFormedUtf8(name));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return families;
}

// What fontconfig's configuration makes of a family.
FcPattern* PatternOf(const std::string& family) {
  FcPattern* pattern = FcPatternCreate();
  FcPatternAddString(pattern, FC_FAMILY, reinterpret_cast<const FcChar8*>(family.c_str()));
  FcConfigSubstitute(nullptr, pattern, FcMatchPattern);
  FcDefaultSubstitute(pattern);
  return pattern;
}

// The families that stand in for the first. Those of one that the configuration does not know are
// the machine's sans-serif ones, which are no answer where a page's list has another one.
std::vector<std::string> SubstitutesOf(FcPattern* pattern) {
  std::vector<std::string> names;
  FcChar8* name = nullptr;
  for (int i = 1; FcPatternGetString(pattern, FC_FAMILY, i, &name) == FcResultMatch; ++i) {
    names.push_back(reinterpret_cast<const char*>(name));
  }
  return names;
}

std::string FileOf(FcPattern* pattern) {
  FcChar8* file = nullptr;
  FcPatternGetString(pattern, FC_FILE, 0, &file);
  return file != nullptr ? reinterpret_cast<const char*>(file) : "";
}

}  // namespace

void FontFamilies::Add(FcPattern* pattern) {
  if (of_unknown_.empty()) {
    FcPattern* unknown = PatternOf("no such family");
    of_unknown_ = SubstitutesOf(unknown);
    FcPatternDestroy(unknown);
  }
  FcPatternReference(pattern);
  FcFontSetAdd(patterns_, pattern);
  files_.push_back(FileOf(pattern));
}

size_t FontFamilies::Find(std::string_view families) {
  for (const std::string& name : Families(families)) {
    if (const std::optional<size_t> family = FamilyNamed(name)) return *family;
  }
  return 0;
}

std::optional<size_t> FontFamilies::FamilyNamed(const std::string& name) {
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  FcPattern* pattern = PatternOf(name);
  std::optional<size_t> family;
  if (name == "sans-serif" || SubstitutesOf(pattern) != of_unknown_) {
    family = NearestTo(pattern) / kStyles * kStyles;
  }
  FcPatternDestroy(pattern);
  // A page that makes names up is not to fill the memory with them.
  if (known_.size() < kMostFamilies) known_.emplace(name, family);
  return family;
}

size_t FontFamilies::NearestTo(FcPattern* pattern) const {
  FcFontSet* sets[] = {patterns_};
  FcResult result = FcResultNoMatch;
  FcPattern* match = FcFontSetMatch(nullptr, sets, 1, pattern, &result);
  if (match == nullptr) return 0;
  const auto found = std::find(files_.begin(), files_.end(), FileOf(match));
  FcPatternDestroy(match);
  return found == files_.end() ? 0 : static_cast<size_t>(found - files_.begin());
}

}  // namespace browser_host
