#include "forkserver/report/elf_image.h"

#include <cxxabi.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "forkserver/report/read_at.h"

namespace forkserver {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMostTableBytes = uint64_t{64} << 20;

uint64_t PageOf(uint64_t address) { return address & ~(kPage - 1); }

// A table of names may lack its last NUL.
std::string NameAt(const std::vector<char>& names, uint64_t index) {
  if (index >= names.size()) return "";
  return std::string(names.data() + index, strnlen(names.data() + index, names.size() - index));
}

std::string Demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), free);
  return text != nullptr ? text.get() : name;
}

}  // namespace

template <typename T>
bool ElfImage::ReadTable(uint64_t offset, uint64_t bytes, std::vector<T>& table) const {
  if (bytes > kMostTableBytes || bytes % sizeof(T) != 0) return false;
  table.resize(bytes / sizeof(T));
  if (ReadAt(file_.get(), table.data(), bytes, offset) == 0) return true;
  table.clear();
  return false;
}

absl::StatusOr<ElfImage> ElfImage::Read(UniqueFd file) {
  ElfImage image(std::move(file));
  Elf64_Ehdr header;
  if (ReadAt(image.file_.get(), &header, sizeof(header), 0) != 0 ||
      memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return absl::InvalidArgumentError("no ELF file");
  }
  if (absl::Status read = image.ReadSegments(header); !read.ok()) return read;
  image.ReadSections(header);
  if (image.ranges_.empty()) image.NameSegments();
  return image;
}

absl::Status ElfImage::ReadSegments(const Elf64_Ehdr& header) {
  if (header.e_phentsize != sizeof(Elf64_Phdr) ||
      !ReadTable(header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr), segments_)) {
    return absl::InvalidArgumentError("an ELF file without segments");
  }
  // What is beyond all addresses would wrap around.
  segments_.erase(std::remove_if(segments_.begin(), segments_.end(),
                                 [](const Elf64_Phdr& one) {
                                   constexpr uint64_t kMost = uint64_t{1} << 48;
                                   return one.p_vaddr > kMost || one.p_memsz > kMost ||
                                          one.p_filesz > kMost || one.p_offset > kMost;
                                 }),
                  segments_.end());
  return absl::OkStatus();
}

void ElfImage::ReadSections(const Elf64_Ehdr& header) {
  std::vector<char> names;
  if (header.e_shentsize != sizeof(Elf64_Shdr) ||
      !ReadTable(header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), sections_) ||
      header.e_shstrndx >= sections_.size() ||
      !ReadTable(sections_[header.e_shstrndx].sh_offset, sections_[header.e_shstrndx].sh_size,
                 names)) {
    sections_.clear();
    return;
  }
  for (const Elf64_Shdr& one : sections_) {
    // .tbss has an address and no memory.
    const bool is_template = (one.sh_flags & SHF_TLS) != 0 && one.sh_type == SHT_NOBITS;
    if ((one.sh_flags & SHF_ALLOC) == 0 || is_template || one.sh_size == 0) continue;
    ranges_.push_back({one.sh_addr, one.sh_addr + one.sh_size, NameAt(names, one.sh_name)});
  }
}

void ElfImage::NameSegments() {
  for (const Elf64_Phdr& one : segments_) {
    const uint64_t end = one.p_vaddr + one.p_memsz;
    const uint64_t of_file = one.p_vaddr + one.p_filesz;
    if (one.p_type == PT_GNU_RELRO) {
      // Before the segment that it is a part of.
      ranges_.insert(ranges_.begin(), {one.p_vaddr, end, "relro"});
    } else if (one.p_type == PT_LOAD && (one.p_flags & PF_W) != 0) {
      ranges_.push_back({one.p_vaddr, of_file, "data"});
      ranges_.push_back({of_file, end, "bss"});
    }
  }
}

std::optional<uint64_t> ElfImage::BiasOf(uintptr_t start, uint64_t offset) const {
  const auto first = std::find_if(segments_.begin(), segments_.end(),
                                  [](const Elf64_Phdr& one) { return one.p_type == PT_LOAD; });
  if (first == segments_.end() || offset != PageOf(first->p_offset)) return std::nullopt;
  return start - PageOf(first->p_vaddr);
}

bool ElfImage::IsInWrittenSegment(uint64_t address) const {
  return std::any_of(segments_.begin(), segments_.end(), [&](const Elf64_Phdr& one) {
    return one.p_type == PT_LOAD && (one.p_flags & PF_W) != 0 && address >= PageOf(one.p_vaddr) &&
           address < PageOf(one.p_vaddr + one.p_memsz + kPage - 1);
  });
}

std::string_view ElfImage::SectionAt(uint64_t address) const {
  const auto found = std::find_if(ranges_.begin(), ranges_.end(), [&](const Range& one) {
    return one.start <= address && address < one.end;
  });
  return found == ranges_.end() ? std::string_view() : found->name;
}

std::string_view ElfImage::MainSectionOf(uint64_t page) const {
  std::string_view main;
  uint64_t most = 0;
  for (const Range& one : ranges_) {
    const uint64_t start = std::max(one.start, page);
    const uint64_t end = std::min(one.end, page + kPage);
    if (start >= end || end - start <= most) continue;
    most = end - start;
    main = one.name;
  }
  return main;
}

void ElfImage::ReadVariables() {
  has_variables_ = true;
  const Elf64_Shdr* symbols = nullptr;
  for (const Elf64_Shdr& one : sections_) {
    if (one.sh_type == SHT_SYMTAB || (one.sh_type == SHT_DYNSYM && symbols == nullptr)) {
      symbols = &one;
    }
  }
  std::vector<Elf64_Sym> table;
  std::vector<char> names;
  if (symbols == nullptr || symbols->sh_link >= sections_.size() ||
      !ReadTable(symbols->sh_offset, symbols->sh_size, table) ||
      !ReadTable(sections_[symbols->sh_link].sh_offset, sections_[symbols->sh_link].sh_size,
                 names)) {
    return;
  }
  for (const Elf64_Sym& one : table) {
    if (ELF64_ST_TYPE(one.st_info) != STT_OBJECT || one.st_shndx == SHN_UNDEF || one.st_size == 0 ||
        one.st_size > kMostTableBytes) {
      continue;
    }
    variables_.push_back({one.st_value, one.st_value + one.st_size, NameAt(names, one.st_name)});
  }
  std::sort(variables_.begin(), variables_.end(),
            [](const Variable& a, const Variable& b) { return a.start < b.start; });
}

std::string ElfImage::VariableAt(uint64_t address) {
  if (!has_variables_) ReadVariables();
  auto after =
      std::upper_bound(variables_.begin(), variables_.end(), address,
                       [](uint64_t wanted, const Variable& one) { return wanted < one.start; });
  // Aliases, and a small one within a large one: the nearest that has it.
  for (int looked = 0; after != variables_.begin() && looked < 8; ++looked) {
    --after;
    if (address < after->end) return Demangled(after->name);
  }
  return "";
}

}  // namespace forkserver
