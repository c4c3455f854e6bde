// Media plug-ins: libraries that a process of its own loads.
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "tests/sandbox_work/work_host.h"
#include "tests/testing/temporary_folder.h"
#include "transceiver/mapping.h"

namespace forkserver {
namespace {

using sandbox_work::Check;
using sandbox_work::Do;
using sandbox_work::Fail;
using sandbox_work::RefusedCalls;
using sandbox_work::WorkHost;
using testing::HostSetup;
using testing::TemporaryFolder;

constexpr char kBuilt[] = "tests/sandbox_work/plug_in.so";
constexpr int kPlugInFd = 5;

using DecodeFunction = uint32_t (*)(const uint8_t* bytes, size_t size);

// Where the host may name it to the broker, and where it may not.
const TemporaryFolder& Temporary() {
  static const TemporaryFolder folder;
  return folder;
}
std::string Named() { return Temporary().path() + "/plug_in.so"; }
std::string Unnamed() { return Temporary().path() + "/unnamed.so"; }

void* opened_by_warm_up = nullptr;

std::string DecodeBy(void* function) {
  if (function == nullptr) Fail("no such function");
  const auto decode = reinterpret_cast<DecodeFunction>(function);
  return std::to_string(decode(reinterpret_cast<const uint8_t*>("ab"), 2));
}

std::string DecodeByWarmLibrary(ChildContext&) {
  return DecodeBy(dlsym(opened_by_warm_up, "Decode"));
}

std::string DecodeByNamedLibrary(ChildContext& context) {
  void* const library = dlopen(context.argv[1], RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? dlerror() : DecodeBy(dlsym(library, "Decode"));
}

// In a library whose files and memory have the same layout, as one of code only has, addresses are
// offsets in the file.
void* FindInImage(uint8_t* image, std::string_view name) {
  const auto& header = *reinterpret_cast<const Elf64_Ehdr*>(image);
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(image + header.e_shoff);
  for (int i = 0; i < header.e_shnum; ++i) {
    if (sections[i].sh_type != SHT_DYNSYM) continue;
    const auto* symbols = reinterpret_cast<const Elf64_Sym*>(image + sections[i].sh_offset);
    const auto* names =
        reinterpret_cast<const char*>(image + sections[sections[i].sh_link].sh_offset);
    for (size_t k = 0; k < sections[i].sh_size / sizeof(Elf64_Sym); ++k) {
      if (names + symbols[k].st_name == name) return image + symbols[k].st_value;
    }
  }
  return nullptr;
}

std::string DecodeByGivenLibrary(ChildContext&) {
  struct stat status;
  Check(fstat(kPlugInFd, &status), "fstat");
  Mapping image;
  const int error =
      image.Map(static_cast<size_t>(status.st_size), PROT_READ | PROT_EXEC, MAP_PRIVATE, kPlugInFd);
  if (error != 0) Fail("mmap: " + std::string(strerrorname_np(error)));
  return DecodeBy(FindInImage(image.bytes().data(), "Decode"));
}

// 97 * 31 + 98.
constexpr char kDecoded[] = "3105";

HOST_TEST(MediaWork, ALibraryThatItsTemplateHadOpenedDecodes) {
  EXPECT_EQ(Do(server, SandboxPolicyId::kMedia, "decode by warm library"), kDecoded);
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(MediaWork, ALibraryInADescriptorDecodes) {
  const UniqueFd file(open(kBuilt, O_RDONLY | O_CLOEXEC));
  LaunchOptions options;
  options.Map(file.get(), kPlugInFd);
  EXPECT_EQ(Do(server, SandboxPolicyId::kMedia, "decode by given library", options), kDecoded);
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(MediaWork, ALibraryInAFileThatTheHostNamesIsLoadedByTheLoader) {
  EXPECT_EQ(Do(server, SandboxPolicyId::kMedia, "decode by named library", {.argv = {"", Named()}}),
            kDecoded);
  EXPECT_EQ(RefusedCalls(server), "");
}

HOST_TEST(MediaWork, AnotherLibraryIsNotLoaded) {
  const std::string said =
      Do(server, SandboxPolicyId::kMedia, "decode by named library", {.argv = {"", Unnamed()}});
  EXPECT_TRUE(absl::EndsWith(said, "Permission denied")) << said;
  EXPECT_EQ(server.refused_calls().size(), 1u);
}

// Content has no code but its template's.
HOST_TEST(ContentWork, ALibraryThatItsTemplateHadOpenedDecodesAndNoOther) {
  EXPECT_EQ(Do(server, SandboxPolicyId::kContent, "decode by warm library"), kDecoded);
  EXPECT_EQ(RefusedCalls(server), "");
  const UniqueFd file(open(kBuilt, O_RDONLY | O_CLOEXEC));
  LaunchOptions options;
  options.Map(file.get(), kPlugInFd);
  EXPECT_EQ(Do(server, SandboxPolicyId::kContent, "decode by given library", options),
            "mmap: EACCES");
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = WorkHost({{"decode by warm library", DecodeByWarmLibrary},
                              {"decode by named library", DecodeByNamedLibrary},
                              {"decode by given library", DecodeByGivenLibrary}},
                             {SandboxPolicyId::kMedia, SandboxPolicyId::kContent});
  setup.before_start = [] {
    for (const std::string& path : {Named(), Unnamed()}) {
      std::filesystem::copy_file(kBuilt, path);
    }
  };
  setup.options.templates[0].sandbox.files = {{.path = Named(), .rights = kMayRead}};
  for (TemplateOptions& one : setup.options.templates) {
    one.warm_ups = {{"plug-in", [] {
                       opened_by_warm_up = dlopen(kBuilt, RTLD_NOW | RTLD_LOCAL);
                       return opened_by_warm_up != nullptr ? absl::OkStatus()
                                                           : absl::NotFoundError(dlerror());
                     }}};
  }
  return setup;
}

}  // namespace forkserver
