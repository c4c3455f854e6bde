// Which of the faces for text a page's `font-family` means, as fontconfig has it.
//
//     FontFamilies families;
//     families.Add(pattern);                             // twelve: three families in four styles
//     families.Find("Georgia, 'Noto Serif', serif") + 1  // the bold one of the family
//
// Other families than the three are replaced by that of them which fontconfig finds nearest; a name
// that it knows nothing of is passed over. It takes 50 us and more for each name, so its answers
// are kept.
//
// Not for several threads at once.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_FONT_FAMILIES_H_
#define EXAMPLES_BROWSER_HOST_PAINT_FONT_FAMILIES_H_

#include <fontconfig/fontconfig.h>
#include <stddef.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace browser_host {

class FontFamilies {
 public:
  static constexpr size_t kStyles = 4;  // regular, bold, italic, bold italic
  static constexpr size_t kFaces = 3 * kStyles;

  // After FcInit.
  FontFamilies() = default;
  FontFamilies(const FontFamilies&) = delete;
  FontFamilies& operator=(const FontFamilies&) = delete;

  // The next face: of sans-serif, serif, monospace, in each style.
  void Add(FcPattern* pattern);

  // The first face of the first family of the list that is known; 0: none is. `families`: as in
  // CSS, well-formed UTF-8; of a longer list the first 256 bytes count.
  size_t Find(std::string_view families);

 private:
  // Nothing: nobody has heard of it.
  std::optional<size_t> FamilyNamed(const std::string& name);
  size_t NearestTo(FcPattern* pattern) const;

  // As long as the process.
  FcFontSet* const patterns_ = FcFontSetCreate();
  std::vector<std::string> files_;
  std::vector<std::string> of_unknown_;  // what stands in for a family that nobody has heard of
  std::map<std::string, std::optional<size_t>, std::less<>> known_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_FONT_FAMILIES_H_
