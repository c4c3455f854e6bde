#include "examples/browser_host/html_text.h"

#include "absl/strings/str_replace.h"
#include "transceiver/one_line.h"

namespace browser_host {

std::string HtmlText(std::string_view text) {
  return absl::StrReplaceAll(
      forkserver::OneLine(text),
      {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

}  // namespace browser_host
