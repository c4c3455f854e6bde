// The host's prefs: read from files, then published to children as sealed generations.
//
//     PrefsStore store;
//     absl::StatusOr<std::vector<PrefDiagnostic>> complaints = store.LoadFile("all.js");
//     absl::StatusOr<PrefsGeneration> generation = store.Publish();
//     server->SetPrefs(*generation);              // launches from here on see this generation
//
// Files are read in order and a later one wins, with two exceptions that Gecko makes too: a
// locked default is only replaced by lockPref, and a user value must have the type of the
// default. Where the types differ, the user value is what is dropped and reported, at its own
// line, whichever of the two came first.
//
// Threads: one at a time. A generation can be shared freely: its bytes never change.
#ifndef PRELOAD_PREFS_PREFS_STORE_H_
#define PRELOAD_PREFS_PREFS_STORE_H_

#include <stdint.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "preload/prefs/prefs_parser.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// One complaint about one line of one file.
struct PrefDiagnostic {
  std::string file;
  int line = 0;
  std::string reason;

  // "all.js:12: expected ';' after ')'"
  std::string ToString() const;
};

struct PrefsGeneration {
  std::shared_ptr<const UniqueFd> fd;  // the sealed memfd of a PrefsMap
  uint64_t number = 0;
};

class PrefsStore {
 public:
  // Reads a file. What is wrong in it is in the list, and the rest of it counts; an error is a
  // file that cannot be read ("open all.js: ENOENT"), or one of more than 64 MiB.
  absl::StatusOr<std::vector<PrefDiagnostic>> LoadFile(const std::string& path);

  // The same for text in memory; `file` is the name that diagnostics carry.
  std::vector<PrefDiagnostic> LoadText(std::string_view text, const std::string& file);

  size_t size() const { return prefs_.size(); }

  // The present state as a new generation. Fails as memfd_create(2) does, and with
  // ResourceExhausted where the map would be over PrefsMap::kMaxBytes.
  absl::StatusOr<PrefsGeneration> Publish();

 private:
  struct Origin {
    std::string file;
    int line = 0;
  };
  struct Pref {
    std::optional<PrefValue> default_value;
    std::optional<PrefValue> user_value;
    Origin user_origin;
    bool sticky = false;
    bool locked = false;
  };

  void SetDefault(ParsedPref parsed, std::vector<PrefDiagnostic>& diagnostics);
  void SetUser(ParsedPref parsed, const std::string& file,
               std::vector<PrefDiagnostic>& diagnostics);

  std::map<std::string, Pref> prefs_;  // sorted, as the map needs them
  uint64_t last_generation_ = 0;
};

}  // namespace forkserver

#endif  // PRELOAD_PREFS_PREFS_STORE_H_
