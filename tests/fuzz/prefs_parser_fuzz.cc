// The reader of prefs files: text of any bytes is prefs and complaints, in the order of their
// lines; a pref that was read is read again from what is written of it; and the store makes a map
// of it that holds what was read.
#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "preload/prefs/prefs_map.h"
#include "preload/prefs/prefs_parser.h"
#include "preload/prefs/prefs_store.h"
#include "tests/fuzz/descriptor_census.h"
#include "tests/fuzz/require.h"

namespace forkserver {
namespace {

std::string Quoted(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const uint8_t byte = static_cast<uint8_t>(c);
    quoted += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
  return quoted + "\"";
}

std::string Statement(const ParsedPref& pref) {
  std::string value;
  if (const bool* flag = std::get_if<bool>(&pref.value)) {
    value = *flag ? "true" : "false";
  } else if (const int32_t* number = std::get_if<int32_t>(&pref.value)) {
    value = std::to_string(*number);
  } else {
    value = Quoted(std::get<std::string>(pref.value));
  }
  if (pref.kind == ParsedPref::Kind::kUser) {
    return "user_pref(" + Quoted(pref.name) + "," + value + ");";
  }
  const std::string call = pref.overrides_lock ? "lockPref" : "pref";
  return call + "(" + Quoted(pref.name) + "," + value + (pref.sticky ? ",sticky" : "") +
         (pref.locked && !pref.overrides_lock ? ",locked" : "") + ");";
}

struct Parsed {
  std::vector<ParsedPref> prefs;
  size_t errors = 0;
};

Parsed Parse(std::string_view text) {
  Parsed parsed;
  const int lines = 1 + static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
                      return c == '\n' || c == '\r';
                    }));
  int last_line = 1;
  ParsePrefs(text, {.on_pref =
                        [&](ParsedPref pref) {
                          Require(pref.line >= 1 && pref.line <= lines);
                          parsed.prefs.push_back(std::move(pref));
                        },
                    .on_error =
                        [&](PrefSyntaxError error) {
                          Require(!error.reason.empty());
                          Require(error.line >= last_line && error.line <= lines);
                          last_line = error.line;
                          ++parsed.errors;
                        }});
  return parsed;
}

void FuzzPrefs(std::string_view text) {
  const Parsed parsed = Parse(text);
  for (const ParsedPref& pref : parsed.prefs) {
    Require(pref.name.find('\0') == std::string::npos);
    const Parsed again = Parse(Statement(pref));
    Require(again.errors == 0 && again.prefs.size() == 1);
    const ParsedPref& same = again.prefs.front();
    Require(same.kind == pref.kind && same.name == pref.name && same.value == pref.value &&
            same.sticky == pref.sticky && same.locked == pref.locked &&
            same.overrides_lock == pref.overrides_lock);
  }

  const DescriptorCensus census;
  PrefsStore store;
  const std::vector<PrefDiagnostic> complaints = store.LoadText(text, "fuzz.js");
  Require(complaints.size() >= parsed.errors);
  for (const PrefDiagnostic& complaint : complaints) Require(!complaint.ToString().empty());
  {
    absl::StatusOr<PrefsGeneration> generation = store.Publish();
    Require(generation.ok());
    PrefsMap map;
    Require(PrefsMap::Attach(generation->fd->get(), map) == 0);
    Require(map.size() == store.size());
    for (const ParsedPref& pref : parsed.prefs) {
      // A user value that does not fit its default's type is dropped, and may be all that there
      // was.
      if (pref.kind == ParsedPref::Kind::kDefault) Require(map.Find(pref.name).has_value());
    }
  }
  census.RequireSame();
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  forkserver::FuzzPrefs({reinterpret_cast<const char*>(data), size});
  return 0;
}
