#include "forkserver/server/build_id.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include <span>
#include <string_view>

#include "absl/strings/str_format.h"

namespace forkserver {
namespace {

// FNV-1a, 64 bits: the inputs are hashes already, and nobody chooses them to collide.
class Fnv1a {
 public:
  void Add(std::string_view bytes) {
    for (const char byte : bytes) {
      hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
  }
  void Add(uint64_t value) {
    Add(std::string_view(reinterpret_cast<const char*>(&value), sizeof(value)));
  }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325;
};

std::string_view FindBuildIdNote(const dl_phdr_info& object) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const char* at = reinterpret_cast<const char*>(object.dlpi_addr + segment.p_vaddr);
    const char* const end = at + segment.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      const ElfW(Nhdr)& note = *reinterpret_cast<const ElfW(Nhdr)*>(at);
      const size_t alignment = segment.p_align == 8 ? 8 : 4;
      const auto aligned = [&](size_t size) { return (size + alignment - 1) & ~(alignment - 1); };
      const char* const name = at + sizeof(note);
      const char* const description = name + aligned(note.n_namesz);
      if (note.n_type == NT_GNU_BUILD_ID &&
          std::string_view(name, note.n_namesz) == std::string_view("GNU", sizeof("GNU"))) {
        return {description, note.n_descsz};
      }
      at = description + aligned(note.n_descsz);
    }
  }
  return {};
}

int AddObject(dl_phdr_info* object, size_t, void* hash_pointer) {
  Fnv1a& hash = *static_cast<Fnv1a*>(hash_pointer);
  if (const std::string_view note = FindBuildIdNote(*object); !note.empty()) {
    hash.Add(note);
    return 0;
  }
  hash.Add(std::string_view(object->dlpi_name));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    hash.Add(object->dlpi_phdr[i].p_filesz);
    hash.Add(object->dlpi_phdr[i].p_memsz);
  }
  return 0;
}

}  // namespace

uint64_t ComputeBuildId() {
  Fnv1a hash;
  dl_iterate_phdr(AddObject, &hash);
  return hash.hash();
}

std::string OtherBuildText(uint64_t its, uint64_t hosts) {
  return absl::StrFormat(
      "refused, its build id is %016x, this host's %016x: a library was replaced on disk, and this "
      "host must be started again",
      its, hosts);
}

}  // namespace forkserver
