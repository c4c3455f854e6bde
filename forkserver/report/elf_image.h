// Where the sections and the variables of a program or library are, by its file.
//
//     absl::StatusOr<ElfImage> image = ElfImage::Read(fd);
//     const uint64_t bias = *image->BiasOf(mapping.start, mapping.offset);
//     image->SectionAt(address - bias)              // ".data"
//     image->VariableAt(address - bias)             // "main_arena"; "" where none is known
//
// Sections are those that are in memory; a file without section headers has its segments, as
// "data", "bss" and "relro". Variables are those of .symtab, or of .dynsym in a file that was
// stripped: so not the static ones of Debian's libraries. Names as people write them (demangled).
//
// The file may be anything: what is no ELF file of 64 bits for this machine, or contradicts itself,
// is an error or has no names. At most 64 MiB of tables are read.
// Values. Threads: any, one at a time; VariableAt reads the symbols when it is first called.
#ifndef FORKSERVER_REPORT_ELF_IMAGE_H_
#define FORKSERVER_REPORT_ELF_IMAGE_H_

#include <elf.h>
#include <stdint.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class ElfImage {
 public:
  // Keeps a descriptor of its own for the symbols.
  static absl::StatusOr<ElfImage> Read(UniqueFd file);

  // What is to be added to the file's addresses, where the first mapping of it is at `start`, with
  // that offset. Nothing: it is not the first. (Of others it cannot be told: two segments may have
  // parts of one page of the file.)
  std::optional<uint64_t> BiasOf(uintptr_t start, uint64_t offset) const;
  // Addresses from here on are the file's own. Whether a segment that is written has it, to the
  // end of its last page.
  bool IsInWrittenSegment(uint64_t address) const;

  // Empty: none.
  std::string_view SectionAt(uint64_t address) const;
  // The section that has most of a page.
  std::string_view MainSectionOf(uint64_t page) const;
  std::string VariableAt(uint64_t address);

 private:
  struct Range {
    uint64_t start;
    uint64_t end;
    std::string name;
  };
  struct Variable {
    uint64_t start;
    uint64_t end;
    std::string name;  // mangled
  };

  explicit ElfImage(UniqueFd file) : file_(std::move(file)) {}
  absl::Status ReadSegments(const Elf64_Ehdr& header);
  void ReadSections(const Elf64_Ehdr& header);
  void NameSegments();
  void ReadVariables();
  template <typename T>
  bool ReadTable(uint64_t offset, uint64_t bytes, std::vector<T>& table) const;

  UniqueFd file_;
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
  std::vector<Range> ranges_;
  bool has_variables_ = false;
  std::vector<Variable> variables_;  // by their addresses
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_ELF_IMAGE_H_
