// Traces of what this test says has crashed: which files are read for them, and what of those.
#include "forkserver/report/stack_trace.h"

#include <dlfcn.h>
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "child/flight/crash_area.h"
#include "tests/testing/temporary_folder.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kLibrary[] = "tests/forkserver/report/libtraced.so";

std::string BuildIdIn(const char* notes, size_t size) {
  for (const char* at = notes; at + sizeof(ElfW(Nhdr)) <= notes + size;) {
    ElfW(Nhdr) note;
    memcpy(&note, at, sizeof(note));
    const char* const name = at + sizeof(note);
    const char* const id = name + ((note.n_namesz + 3) & ~3u);
    if (note.n_type == NT_GNU_BUILD_ID && memcmp(name, "GNU", 4) == 0) {
      return std::string(absl::BytesToHexString(absl::string_view(id, note.n_descsz)));
    }
    at = id + ((note.n_descsz + 3) & ~3u);
  }
  return "";
}

// As a process records what has `address`, but for the cut of long build ids.
RecordedModule ModuleAt(const void* address) {
  struct Search {
    uint64_t wanted;
    RecordedModule found;
  } search = {reinterpret_cast<uint64_t>(address), {}};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* into) {
        auto& all = *static_cast<Search*>(into);
        RecordedModule module = {.start = UINT64_MAX, .bias = info->dlpi_addr};
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& header = info->dlpi_phdr[i];
          const uint64_t start = info->dlpi_addr + header.p_vaddr;
          if (header.p_type == PT_LOAD) {
            module.start = std::min(module.start, start);
            module.end = std::max(module.end, start + header.p_memsz);
          } else if (header.p_type == PT_NOTE && module.build_id.empty()) {
            module.build_id = BuildIdIn(reinterpret_cast<const char*>(start), header.p_memsz);
          }
        }
        module.path = info->dlpi_name;
        if (all.wanted < module.start || all.wanted >= module.end) return 0;
        all.found = module;
        return 1;
      },
      &search);
  EXPECT_NE(search.found.end, 0u);
  return search.found;
}

RecordedCrash CrashAt(const void* address, RecordedModule module) {
  RecordedCrash crash = {.is_whole = true, .signal = SIGSEGV};
  crash.program_counter = reinterpret_cast<uint64_t>(address);
  crash.registers.assign(CrashArea::kMostRegisters, 0x1000);
  crash.registers[16] = crash.program_counter;
  crash.stack_start = 0x1000;
  crash.stack.assign(4096, 0);
  crash.modules = {std::move(module)};
  return crash;
}

StackTrace Trace(const RecordedCrash& crash) { return StackTracer("/proc/self/exe").Trace(crash); }

// A library that is loaded as long as this lives.
class Library {
 public:
  explicit Library(const std::string& path)
      : handle_(dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) ADD_FAILURE() << dlerror();
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (handle_ != nullptr) dlclose(handle_);
  }

  void* Find(const char* name) const {
    void* const found = dlsym(handle_, name);
    EXPECT_NE(found, nullptr) << name;
    return found;
  }

 private:
  void* const handle_;
};

std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

// A copy of the library with another build id: that of `note`, a variable in it; null: none. It has
// no sections, so that its segments count.
std::string CopyWithBuildId(const std::string& folder, const char* note) {
  std::string elf = BytesOf(kLibrary);
  auto* const header = reinterpret_cast<Elf64_Ehdr*>(elf.data());
  header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
  auto* const segments = reinterpret_cast<Elf64_Phdr*>(elf.data() + header->e_phoff);
  auto* const end = segments + header->e_phnum;
  auto* const notes =
      std::find_if(segments, end, [](const Elf64_Phdr& one) { return one.p_type == PT_NOTE; });
  EXPECT_NE(notes, end);
  if (note == nullptr) {
    notes->p_type = PT_NULL;
  } else {
    const Library library(kLibrary);
    const char* const variable = static_cast<const char*>(library.Find(note));
    notes->p_vaddr = reinterpret_cast<uint64_t>(variable) - ModuleAt(variable).bias;
    notes->p_filesz = notes->p_memsz = sizeof(Elf64_Nhdr) + 4 + 32;
    notes->p_offset = elf.find(std::string(variable, notes->p_filesz));
  }
  const std::string path = folder + "/libcopy.so";
  std::ofstream(path, std::ios::binary) << elf;
  return path;
}

// What the frame has where the file was not used.
void ExpectModuleAndOffset(const StackTrace& trace, const RecordedCrash& crash) {
  ASSERT_FALSE(trace.frames.empty());
  EXPECT_EQ(trace.frames[0].function, "");
  EXPECT_EQ(trace.frames[0].module, crash.modules[0].path);
  EXPECT_EQ(trace.frames[0].offset, crash.program_counter - crash.modules[0].bias);
}

TEST(StackTrace, OfWhatThisHostHasLoadedNamesTheFunction) {
  const Library library(kLibrary);
  void* const function = library.Find("TracedFunction");
  const StackTrace trace = Trace(CrashAt(function, ModuleAt(function)));
  EXPECT_THAT(trace.missing, ElementsAre());
  ASSERT_FALSE(trace.frames.empty());
  EXPECT_EQ(trace.frames[0].function, "TracedFunction");
}

[[gnu::noinline]] int ThisFunction() { return 3; }

TEST(StackTrace, OfTheProgramItselfNamesTheFunction) {
  void* const function = reinterpret_cast<void*>(&ThisFunction);
  RecordedModule module = ModuleAt(function);
  module.path = "";
  const StackTrace trace = Trace(CrashAt(function, module));
  EXPECT_THAT(trace.missing, ElementsAre());
  ASSERT_FALSE(trace.frames.empty());
  EXPECT_THAT(trace.frames[0].function, HasSubstr("ThisFunction"));
}

// What an accomplice of a hostile process does: names memory as its library, and cuts it short
// while it is read.
TEST(StackTrace, OfAFileThatIsCutShortMeanwhileIsNoHarm) {
  const Library library(kLibrary);
  void* const function = library.Find("TracedFunction");
  const std::string elf = BytesOf(kLibrary);
  const testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/libhostile.so";
  std::ofstream(path) << elf;
  ASSERT_EQ(chmod(path.c_str(), 0777), 0);
  const UniqueFd memory(memfd_create("hostile", MFD_CLOEXEC));
  ASSERT_EQ(write(memory.get(), elf.data(), elf.size()), static_cast<ssize_t>(elf.size()));
  std::atomic<bool> is_over = false;
  std::thread accomplice([&] {
    while (!is_over) {
      EXPECT_EQ(ftruncate(memory.get(), 0), 0);
      EXPECT_EQ(pwrite(memory.get(), elf.data(), elf.size(), 0), static_cast<ssize_t>(elf.size()));
    }
  });
  RecordedCrash crash = CrashAt(function, ModuleAt(function));
  for (const std::string& name : {absl::StrCat("/proc/self/fd/", memory.get()),
                                  absl::StrCat("/proc/", getpid(), "/fd/", memory.get()), path}) {
    crash.modules[0].path = name;
    for (int i = 0; i < 500; ++i) {
      const StackTrace trace = Trace(crash);
      ASSERT_THAT(trace.missing, ElementsAre(StartsWith(name + ": ")));
      ExpectModuleAndOffset(trace, crash);
    }
  }
  is_over = true;
  accomplice.join();
}

TEST(StackTrace, SaysByWhichRuleAFileIsNotRead) {
  const Library library(kLibrary);
  void* const function = library.Find("TracedFunction");
  RecordedCrash crash = CrashAt(function, ModuleAt(function));
  crash.modules[0].path = "/proc/self/exe";
  EXPECT_THAT(Trace(crash).missing, ElementsAre("/proc/self/exe: openat2: ELOOP"));
}

TEST(StackTrace, OfAFileWithoutABuildIdHasNoNames) {
  const testing::TemporaryFolder folder;
  const Library library(CopyWithBuildId(folder.path(), nullptr));
  void* const function = library.Find("TracedFunction");
  const RecordedCrash crash = CrashAt(function, ModuleAt(function));
  ASSERT_EQ(crash.modules[0].build_id, "");
  const StackTrace trace = Trace(crash);
  EXPECT_THAT(trace.missing, ElementsAre(HasSubstr(": it has no build id")));
  ExpectModuleAndOffset(trace, crash);
}

// Nor where the process says that it had none, or another one.
TEST(StackTrace, OfAFileWithAnotherBuildIdThanWasLoadedHasNoNames) {
  const Library library(kLibrary);
  void* const function = library.Find("TracedFunction");
  RecordedCrash crash = CrashAt(function, ModuleAt(function));
  for (const std::string& id :
       {std::string(), std::string(40, '0'), crash.modules[0].build_id.substr(0, 38),
        crash.modules[0].build_id + "00"}) {
    crash.modules[0].build_id = id;
    const StackTrace trace = Trace(crash);
    EXPECT_THAT(trace.missing, ElementsAre(HasSubstr(": it has another build id than what"))) << id;
    ExpectModuleAndOffset(trace, crash);
  }
}

TEST(StackTrace, KnowsALongBuildIdByWhatIsRecordedOfIt) {
  const testing::TemporaryFolder folder;
  const Library library(CopyWithBuildId(folder.path(), "kLongBuildId"));
  void* const function = library.Find("TracedFunction");
  RecordedCrash crash = CrashAt(function, ModuleAt(function));
  std::string& id = crash.modules[0].build_id;
  ASSERT_EQ(id.size(), 2 * 32u);
  id.resize(2 * CrashModule::kMostBuildIdBytes);
  const StackTrace trace = Trace(crash);
  EXPECT_THAT(trace.missing, ElementsAre());
  ASSERT_FALSE(trace.frames.empty());
  EXPECT_EQ(trace.frames[0].function, "TracedFunction");
}

TEST(StackTrace, CutsANameThatIsTooLong) {
  const Library library(kLibrary);
  auto* const where = reinterpret_cast<void* (*)()>(library.Find("AddressOfALongName"));
  void* const function = where();
  const StackTrace trace = Trace(CrashAt(function, ModuleAt(function)));
  ASSERT_FALSE(trace.frames.empty());
  EXPECT_THAT(trace.frames[0].function,
              StartsWith("int WithALongName<(anonymous namespace)::Pair<"));
  EXPECT_EQ(trace.frames[0].function.size(), StackTracer::kMostNameBytes);
}

}  // namespace
}  // namespace forkserver
