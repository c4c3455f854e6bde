// The prefs that govern the process model, read once for each generation of prefs.
//
//     const ModelPrefs prefs = ModelPrefs::Read(map);
//     prefs.isolation                                    // fission.autostart
//     prefs.LimitOf(RemoteTypeKind::kWeb)                // dom.ipc.processCount: 8
//
// A default-constructed one has every default. A pref of another type counts as absent. Values that
// cannot be meant are brought to the nearest that can, silently, since no value of a pref may keep
// the program from starting:
//
//     dom.ipc.processCount                          1 to 1000; 8. Of the other kinds the same; 1
//     dom.ipc.processPrelaunch.fission.number       0 (none) to 32; 3
//     dom.ipc.processPrelaunch.lowmem_mb            0 (no machine is small) and up; 4096
//     browser.tabs.remote.separatedMozillaDomains   a list; what is no host is left out
//     dom.ipc.nested.remoteTypes                    a list of content's kinds (this project's own);
//                                                   web, webIsolated, webCOOP+COEP, extension
//
// Sites that may read local files are granted as in Gecko (capability.policy.policynames, a list;
// then for each NAME in it capability.policy.NAME.checkloaduri.enabled, "allAccess", and
// capability.policy.NAME.sites, a list of `https://host` or `host`).
//
// A value: copy it, any thread.
#ifndef FORKSERVER_MODEL_MODEL_PREFS_H_
#define FORKSERVER_MODEL_MODEL_PREFS_H_

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <string>
#include <vector>

#include "forkserver/model/remote_type.h"
#include "preload/prefs/prefs_map.h"

namespace forkserver {

// Whether sites get processes of their own.
enum class SiteIsolation : uint8_t { kOff, kOn };

// What every launch goes through.
enum class LaunchBy : uint8_t { kForkServer, kExec };

// A host and those below it, which may read local files.
struct FileReader {
  std::string scheme = {};  // "http" or "https"
  std::string host = {};

  friend bool operator==(const FileReader&, const FileReader&) = default;
};

struct ModelPrefs {
  static constexpr int32_t kMaxLimit = 1000;
  static constexpr int32_t kMaxPrelaunch = 32;

  ModelPrefs();
  static ModelPrefs Read(const PrefsMap& map);

  // How many processes one remote type of `kind` may have, at least 1. Per site, where the kind is.
  int32_t LimitOf(RemoteTypeKind kind) const { return limits[static_cast<size_t>(kind)]; }

  // Whether content of `kind` may have content processes below it (nested_content.h).
  bool MayNest(RemoteTypeKind kind) const;

  SiteIsolation isolation = SiteIsolation::kOn;      // fission.autostart
  LaunchBy launch_by = LaunchBy::kForkServer;        // dom.ipc.forkserver.enable
  int32_t prelaunch = 3;                             // dom.ipc.processPrelaunch.fission.number
  uint64_t low_memory_bytes = uint64_t{4096} << 20;  // dom.ipc.processPrelaunch.lowmem_mb
  std::vector<std::string> separated_domains;        // canonical hosts
  std::vector<FileReader> file_readers;
  std::vector<RemoteTypeKind> nesting = {};  // dom.ipc.nested.remoteTypes
  std::array<int32_t, static_cast<size_t>(RemoteTypeKind::kCount)> limits = {};
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_MODEL_PREFS_H_
