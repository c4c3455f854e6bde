// What a privileged content process and the parent say to each other so that about:processes and
// about:config can be laid out outside of the parent.
//
//     content -> parent   OpenAboutData   asks for an end of the line below; on its own port
//     content -> parent   GetProcesses    rows of processes, from one on
//     content -> parent   GetPrefs        prefs by their names, behind one
//     content -> parent   SetPref         a user value; every process hears of it
//
// The last three are a protocol of their own, AboutData, which is restricted to the remote type
// privilegedabout (kRemoteTypes, forkserver/model/parent_process.h): of any other process's the
// parent makes no end, and who asks for one is killed (about_host.h). What is in such a page that
// was not the program's own, it shows as text; who takes over that process by a hole has all of
// this: what runs, all prefs, and edits of those that about_host.h leaves to it.
//
// Lists come in pieces of what a packet has room for. Each list is of one moment: that of its first
// piece.
#ifndef EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_MESSAGES_H_
#define EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_MESSAGES_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <string_view>
#include <tuple>

#include "transceiver/actor/endpoint.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/text.h"

namespace browser_host {

// Of what is longer the beginning is told, but of a pref's name: that pref is left out.
inline constexpr size_t kMaxProcessTextBytes = 512;
inline constexpr size_t kMaxPrefNameBytes = 1024;
inline constexpr size_t kMaxShownPrefBytes = 1024;
// Of an edit. A longer one is no message.
inline constexpr size_t kMaxPrefValueBytes = 4096;
inline constexpr size_t kMaxProcessesOfAMessage = 32;
inline constexpr size_t kMaxPrefsOfAMessage = 28;
// Those behind them are left out.
inline constexpr size_t kMostProcessRows = 1000;

struct ProcessField {
  int64_t pid = -1;
  forkserver::Text<kMaxProcessTextBytes> type = {};
  forkserver::Text<kMaxProcessTextBytes> remote_type = {};  // of a template: its name; or empty
  forkserver::Text<kMaxProcessTextBytes> state = {};        // for people
  // -1: it has none of that, or nobody knows.
  int64_t pages = -1;
  int64_t private_kib = -1;
  int64_t launch_micros = -1;
  auto Fields() {
    return std::tie(pid, type, remote_type, state, pages, private_kib, launch_micros);
  }
};

struct ProcessesListed {
  forkserver::List<ProcessField, kMaxProcessesOfAMessage> rows = {};
  uint32_t count = 0;     // of all pieces
  uint32_t left_out = 0;  // over kMostProcessRows
  auto Fields() { return std::tie(rows, count, left_out); }
};

struct GetProcesses {
  static constexpr std::string_view kName = "GetProcesses";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  using Reply = ProcessesListed;
  uint32_t first = 0;  // 0: a new list
  auto Fields() { return std::tie(first); }
};

enum class AboutPrefKind : uint8_t { kBool, kInt, kString };
constexpr AboutPrefKind LastValue(AboutPrefKind) { return AboutPrefKind::kString; }

struct PrefField {
  forkserver::Text<kMaxPrefNameBytes> name = {};
  AboutPrefKind kind = AboutPrefKind::kBool;
  // The one that counts: "true", "-7", or the text itself.
  forkserver::Text<kMaxShownPrefBytes> value = {};
  bool is_cut = false;  // the value is longer
  bool is_user_set = false;
  bool is_default = false;  // the value is its default's, wherever it comes from
  bool is_locked = false;
  auto Fields() { return std::tie(name, kind, value, is_cut, is_user_set, is_default, is_locked); }
};

struct PrefsListed {
  forkserver::List<PrefField, kMaxPrefsOfAMessage> prefs = {};  // sorted by name
  bool is_last = false;
  uint32_t left_out = 0;  // before its last one, for their names
  auto Fields() { return std::tie(prefs, is_last, left_out); }
};

struct GetPrefs {
  static constexpr std::string_view kName = "GetPrefs";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  using Reply = PrefsListed;
  std::optional<forkserver::Text<kMaxPrefNameBytes>> after = {};  // nothing: a new list
  auto Fields() { return std::tie(after); }
};

struct PrefSet {
  uint64_t generation = 0;  // that has it
  auto Fields() { return std::tie(generation); }
};

// Refused with why it cannot be set, in one line.
struct SetPref {
  static constexpr std::string_view kName = "SetPref";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  using Reply = PrefSet;
  forkserver::Text<kMaxPrefNameBytes> name = {};
  // Nothing: the pref's own, of one that there is.
  std::optional<AboutPrefKind> kind = {};
  forkserver::Text<kMaxPrefValueBytes> value = {};
  auto Fields() { return std::tie(name, kind, value); }
};

struct AboutData {
  static constexpr std::string_view kName = "AboutData";
  static constexpr std::string_view kRemoteTypes[] = {"privilegedabout"};
  using Messages = forkserver::MessageList<GetProcesses, GetPrefs, SetPref>;
};
using AboutChildsEnd = forkserver::Endpoint<AboutData, forkserver::Side::kChild>;

// For the protocols of content processes.
struct AboutDataOpened {
  AboutChildsEnd end = {};
  auto Fields() { return std::tie(end); }
};
struct OpenAboutData {
  static constexpr std::string_view kName = "OpenAboutData";
  static constexpr forkserver::SentBy kSentBy = forkserver::SentBy::kChild;
  using Reply = AboutDataOpened;
  auto Fields() { return std::tie(); }
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_MESSAGES_H_
