// Reads a prefs file as Gecko writes them.
//
//     pref("browser.startup.page", 1);                    // a default value
//     pref("app.update.url", "https://\u00e9", locked);   # attributes: sticky, locked
//     sticky_pref("a", true);  lockPref("b", "x");        /* the same, as calls */
//     user_pref("browser.startup.page", 3);               // a user value: no attributes
//
//     ParsePrefs(text, {.on_pref = [&](ParsedPref pref) { ... },
//                       .on_error = [&](PrefSyntaxError error) { ... }});
//
// Values are bool, int (32 bits, signed) and string, in single or double quotes, with the
// escapes \n \r \" \' \\ \xNN \uNNNN (\xNN is one byte, \uNNNN a character in UTF-8, surrogates
// in pairs; no NUL). A string may run over several lines; a line ends with LF, CR LF or CR. The
// grammar is that of Gecko's modules/libpref/parser.
//
// A malformed statement is reported once, with the line of the token that did not fit, and
// reading resumes behind the next `;`. While it looks for that `;`, a string that is closed on
// its own line is skipped whole, so that nothing quoted becomes a statement, and a quote that is
// not closed on its line counts as a stray character, so that one missing quote does not take
// the rest of the file with it.
//
// Pure: no I/O. Text of any bytes is accepted; time is linear in its length.
#ifndef PRELOAD_PREFS_PREFS_PARSER_H_
#define PRELOAD_PREFS_PREFS_PARSER_H_

#include <functional>
#include <string>
#include <string_view>

#include "preload/prefs/pref.h"

namespace forkserver {

struct ParsedPref {
  enum class Kind { kDefault, kUser };

  Kind kind = Kind::kDefault;
  std::string name;
  PrefValue value;
  bool sticky = false;
  bool locked = false;
  // Locked by lockPref, which replaces the value also of a pref that is locked already.
  bool overrides_lock = false;
  int line = 0;  // counted from 1
};

struct PrefSyntaxError {
  int line = 0;
  std::string reason;
};

struct PrefSink {
  std::function<void(ParsedPref pref)> on_pref;
  std::function<void(PrefSyntaxError error)> on_error;
};

void ParsePrefs(std::string_view text, const PrefSink& sink);

}  // namespace forkserver

#endif  // PRELOAD_PREFS_PREFS_PARSER_H_
