#include "child/flight/crash_modules.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include <algorithm>

#include "child/flight/copy_what_is_there.h"

namespace forkserver {
namespace {

// A list that goes in a circle ends here.
constexpr uint32_t kMostListed = 4096;
constexpr uint32_t kMostHeaders = 64;
constexpr uint64_t kMostNoteBytes = 1024;

template <typename T>
bool CopyWhole(T& to, uint64_t from) {
  return CopyWhatIsThere(&to, reinterpret_cast<const void*>(from), sizeof(to)) == sizeof(to);
}

struct ProgramHeaders {
  uint64_t address = 0;
  uint32_t count = 0;
};

// The program's own are where the kernel says: one that is not position independent has its ELF
// header elsewhere than at its bias, which is 0. Everybody else's are at theirs.
ProgramHeaders FindHeaders(const link_map& object, bool is_program) {
  if (is_program) {
    return {getauxval(AT_PHDR), static_cast<uint32_t>(getauxval(AT_PHNUM))};
  }
  ElfW(Ehdr) header;
  if (!CopyWhole(header, object.l_addr)) return {};
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
  if (header.e_phentsize != sizeof(ElfW(Phdr))) return {};
  return {object.l_addr + header.e_phoff, header.e_phnum};
}

void FindBuildId(CrashModule& module, uint64_t notes, uint64_t bytes) {
  bytes = std::min(bytes, kMostNoteBytes);
  for (uint64_t at = 0; at + sizeof(ElfW(Nhdr)) <= bytes;) {
    ElfW(Nhdr) note;
    if (!CopyWhole(note, notes + at)) return;
    const uint64_t name = at + sizeof(note);
    const uint64_t description = name + ((uint64_t{note.n_namesz} + 3) & ~uint64_t{3});
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU)) {
      const size_t size = std::min<size_t>(note.n_descsz, CrashModule::kMostBuildIdBytes);
      if (CopyWhatIsThere(module.build_id, reinterpret_cast<const void*>(notes + description),
                          size) == size) {
        module.build_id_bytes = static_cast<uint32_t>(size);
      }
      return;
    }
    at = description + ((uint64_t{note.n_descsz} + 3) & ~uint64_t{3});
  }
}

// False: it has nothing in memory.
bool Describe(const link_map& object, bool is_program, CrashModule& module) {
  module = {};
  module.bias = object.l_addr;
  module.start = UINT64_MAX;
  const ProgramHeaders headers = FindHeaders(object, is_program);
  for (uint32_t i = 0; i < std::min(headers.count, kMostHeaders); ++i) {
    ElfW(Phdr) header;
    if (!CopyWhole(header, headers.address + i * sizeof(header))) break;
    const uint64_t start = object.l_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD) {
      module.start = std::min(module.start, start);
      module.end = std::max(module.end, start + header.p_memsz);
    } else if (header.p_type == PT_NOTE && module.build_id_bytes == 0) {
      FindBuildId(module, start, header.p_memsz);
    }
  }
  if (module.end == 0) return false;
  CopyWhatIsThere(module.path, object.l_name, CrashModule::kPathBytes - 1);
  return true;
}

}  // namespace

void RecordModules(CrashArea& area) {
  const link_map* next = _r_debug.r_map;
  for (uint32_t listed = 0; next != nullptr && listed < kMostListed; ++listed) {
    link_map object;
    if (!CopyWhole(object, reinterpret_cast<uint64_t>(next))) return;
    if (area.module_count == CrashArea::kMostModules) {
      ++area.modules_left_out;
    } else if (Describe(object, listed == 0, area.modules[area.module_count])) {
      ++area.module_count;
    }
    next = object.l_next;
  }
}

}  // namespace forkserver
