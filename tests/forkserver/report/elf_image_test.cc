// Sections and variables of files that are good, and of files that are anything.
#include "forkserver/report/elf_image.h"

#include <elf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <system_error>

#include "forkserver/report/proc_file.h"
#include "forkserver/report/process_mappings.h"

// What is looked for. External, so that it has a symbol whatever was stripped.
char written_here[5000] = {1};
char empty_here[5000];
namespace space {
extern int nested_number;
int nested_number = 3;
}  // namespace space

namespace forkserver {
namespace {

UniqueFd Open(const std::string& path) {
  return UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

uint64_t AddressOf(const void* object) { return reinterpret_cast<uint64_t>(object); }

// Asked of the dynamic linker.
std::map<std::string, uint64_t> LoadedLibraries() {
  std::map<std::string, uint64_t> all;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* into) {
        // The linker says /lib, and the kernel /usr/lib.
        std::error_code none;
        const std::string path = std::filesystem::canonical(info->dlpi_name, none);
        (*static_cast<std::map<std::string, uint64_t>*>(into))[path] = info->dlpi_addr;
        return 0;
      },
      &all);
  return all;
}

TEST(ElfImage, FirstMappingOfALibrarySaysWhereItIs) {
  const std::map<std::string, uint64_t> libraries = LoadedLibraries();
  const auto folder = OpenProcFolder(getpid());
  ASSERT_TRUE(folder.ok());
  const auto mappings = ReadMappings(folder->get(), getpid(), MappingPages::kCounted);
  ASSERT_TRUE(mappings.ok());
  int seen = 0;
  std::string last;
  for (const ProcessMapping& mapping : *mappings) {
    const auto library = libraries.find(mapping.path);
    if (library == libraries.end() || !mapping.has_file()) continue;
    const bool is_first = last != mapping.path;
    last = mapping.path;
    const auto image = ElfImage::Read(Open(mapping.path));
    ASSERT_TRUE(image.ok()) << mapping.path << image.status();
    const std::optional<uint64_t> bias = image->BiasOf(mapping.start, mapping.offset);
    if (is_first) {
      EXPECT_EQ(bias, library->second) << mapping.path;
    }
    if (mapping.offset != 0) {
      EXPECT_EQ(bias, std::nullopt) << mapping.path;
    }
    if (mapping.is_writable) {
      EXPECT_TRUE(image->IsInWrittenSegment(mapping.start - library->second)) << mapping.path;
      EXPECT_TRUE(image->IsInWrittenSegment(mapping.end - 1 - library->second)) << mapping.path;
    }
    ++seen;
  }
  EXPECT_GE(seen, 8);  // of libc and libstdc++ alone
}

TEST(ElfImage, KnowsSectionsAndVariablesOfThisProgram) {
  auto image = ElfImage::Read(Open("/proc/self/exe"));
  ASSERT_TRUE(image.ok()) << image.status();
  // The first that is told is the program.
  uint64_t bias = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* into) {
        *static_cast<uint64_t*>(into) = info->dlpi_addr;
        return 1;
      },
      &bias);
  EXPECT_EQ(image->SectionAt(AddressOf(&written_here) - bias), ".data");
  EXPECT_EQ(image->SectionAt(AddressOf(&empty_here) - bias), ".bss");
  EXPECT_EQ(image->VariableAt(AddressOf(&written_here[4999]) - bias), "written_here");
  EXPECT_NE(image->VariableAt(AddressOf(&written_here[4999]) + 1 - bias), "written_here");
  EXPECT_EQ(image->VariableAt(AddressOf(&empty_here) - bias), "empty_here");
  EXPECT_EQ(image->VariableAt(AddressOf(&space::nested_number) - bias), "space::nested_number");
  EXPECT_EQ(image->VariableAt(1), "");
  EXPECT_EQ(image->SectionAt(UINT64_MAX), "");
  EXPECT_FALSE(image->IsInWrittenSegment(UINT64_MAX));
}

class Damaged {
 public:
  Damaged() {
    std::ifstream file("tests/forkserver/report/libdirtied_library.so", std::ios::binary);
    good_.assign(std::istreambuf_iterator<char>(file), {});
  }

  std::string good() const { return good_; }

  static void LookAt(const std::string& bytes) {
    UniqueFd file(memfd_create("damaged", MFD_CLOEXEC));
    ASSERT_EQ(write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    absl::StatusOr<ElfImage> image = ElfImage::Read(std::move(file));
    if (!image.ok()) return;
    for (uint64_t address = 0; address < 0x60000; address += 0x1000) {
      image->SectionAt(address);
      image->MainSectionOf(address);
      image->IsInWrittenSegment(address);
      image->VariableAt(address);
      image->BiasOf(0x7f0000000000, address);
    }
  }

 private:
  std::string good_;
};

TEST(ElfImage, FileThatIsCutOrDamagedIsNoHarm) {
  const std::string good = Damaged().good();
  ASSERT_GT(good.size(), 64u * 4096);
  for (size_t size = 0; size < sizeof(Elf64_Ehdr) + 64; ++size)
    Damaged::LookAt(good.substr(0, size));
  for (size_t size = 0; size < good.size(); size += 997) Damaged::LookAt(good.substr(0, size));
  // Each byte of the headers and of the tables behind the data, as something else.
  const Elf64_Ehdr& header = *reinterpret_cast<const Elf64_Ehdr*>(good.data());
  const size_t ends[][2] = {{0, sizeof(Elf64_Ehdr) + header.e_phnum * sizeof(Elf64_Phdr)},
                            {header.e_shoff, good.size()}};
  for (const auto& [start, end] : ends) {
    for (size_t at = start; at < end; ++at) {
      for (const char byte : {'\x00', '\x7f', '\xff'}) {
        std::string bad = good;
        bad[at] = byte;
        Damaged::LookAt(bad);
      }
    }
  }
}

TEST(ElfImage, WhatIsNoElfFileIsAnError) {
  EXPECT_FALSE(ElfImage::Read(Open("/etc/passwd")).ok());
  EXPECT_FALSE(ElfImage::Read(Open("/dev/null")).ok());
  EXPECT_FALSE(ElfImage::Read(Open("/")).ok());
}

TEST(ProcessMappings, LinesAreWhatTheyAre) {
  const std::vector<ProcessMapping> mappings = ParseMappings(
      "7f12000-7f34000 rw-p 00001000 fe:01 1234      /usr/lib/a b.so (deleted)\n"
      "Size:                136 kB\n"
      "Anonymous:            12 kB\n"
      "Swap:                  8 kB\n"
      "SwapPss:               4 kB\n"
      "VmFlags: rd wr mr mw me ac sd \n"
      "7f34000-7f35000 r--s 00000000 00:00 0 \n"
      "nonsense\n"
      "7f35000-7f34000 r--s 00000000 00:00 0 \n"
      "8000000-8001000 ---p 00000000 00:00 0                          [stack]");
  ASSERT_EQ(mappings.size(), 3u);
  EXPECT_EQ(mappings[0].start, 0x7f12000u);
  EXPECT_EQ(mappings[0].end, 0x7f34000u);
  EXPECT_EQ(mappings[0].offset, 0x1000u);
  EXPECT_EQ(mappings[0].inode, 1234u);
  EXPECT_EQ(mappings[0].device, 0xfe01u);
  EXPECT_EQ(mappings[0].path, "/usr/lib/a b.so (deleted)");
  EXPECT_TRUE(mappings[0].is_writable);
  EXPECT_FALSE(mappings[0].is_shared);
  EXPECT_EQ(mappings[0].anonymous_bytes, 12u << 10);
  EXPECT_EQ(mappings[0].swapped_bytes, 8u << 10);
  EXPECT_TRUE(mappings[1].is_shared);
  EXPECT_EQ(mappings[1].path, "");
  EXPECT_EQ(mappings[2].path, "[stack]");
}

}  // namespace
}  // namespace forkserver
