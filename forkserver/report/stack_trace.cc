#include "forkserver/report/stack_trace.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "child/flight/crash_area.h"
#include "forkserver/report/module_file.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

constexpr char kVdso[] = "linux-vdso.so.1";
// An id that libdw takes for the thread's; its own is another namespace's.
constexpr pid_t kThread = 1;

// The build id alone: debuginfod, which elfutils would ask too, is on the network.
int FindDebugInfo(Dwfl_Module* module, void** data, const char* name, GElf_Addr base,
                  const char* file, const char* debug_file, GElf_Word crc, char** found) {
  return dwfl_build_id_find_debuginfo(module, data, name, base, file, debug_file, crc, found);
}

int FindNoElf(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) { return -1; }

const Dwfl_Callbacks kCallbacks = {.find_elf = FindNoElf,
                                   .find_debuginfo = FindDebugInfo,
                                   .section_address = dwfl_offline_section_address,
                                   .debuginfo_path = nullptr};

// A name in a file may be of any length, and a report is not.
std::string Cut(const char* name) {
  return std::string(name, strnlen(name, StackTracer::kMostNameBytes));
}

std::string Demangle(const char* name) {
  int status = 0;
  char* const demangled = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string text = Cut(status == 0 ? demangled : name);
  free(demangled);
  return text;
}

// One that libdw then owns, or why there is none. The tracer's own word is taken.
absl::StatusOr<UniqueFd> OpenProgram(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return ErrnoStatus(errno, "open");
  return file;
}

// Of a longer one what a process would have recorded. Empty: it has none.
std::string BuildIdOf(int fd) {
  elf_version(EV_CURRENT);
  Elf* const elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  const void* id = nullptr;
  const ssize_t size = elf != nullptr ? dwelf_elf_gnu_build_id(elf, &id) : -1;
  std::string text;
  if (size > 0) {
    text = absl::BytesToHexString(absl::string_view(
        static_cast<const char*>(id),
        std::min<size_t>(static_cast<size_t>(size), CrashModule::kMostBuildIdBytes)));
  }
  elf_end(elf);
  return text;
}

// Lines are looked for in files of debug information up to this: libdw reads one whole for the
// first (and unpacks it; 30 ms for Debian's of the C library).
constexpr off_t kMostLineBytes = 64 * 1024 * 1024;

// What libdw's callbacks work on.
struct Unwinding {
  const RecordedCrash* crash = nullptr;
  std::vector<uint64_t> pcs = {};
  // Where libdw's first frame is not the one that crashed, but its caller.
  bool begins_at_caller = false;
};

bool ReadWord(const RecordedCrash& crash, uint64_t address, uint64_t& word) {
  const uint64_t at = address - crash.stack_start;
  if (address < crash.stack_start || at > crash.stack.size() ||
      crash.stack.size() - at < sizeof(word)) {
    return false;
  }
  memcpy(&word, crash.stack.data() + at, sizeof(word));
  return true;
}

pid_t NextThread(Dwfl*, void* argument, void** thread_argument) {
  auto& unwinding = *static_cast<Unwinding*>(argument);
  if (*thread_argument != nullptr) return 0;
  *thread_argument = &unwinding;
  return kThread;
}

bool GetThread(Dwfl*, pid_t, void* argument, void** thread_argument) {
  *thread_argument = argument;
  return true;
}

bool ReadMemory(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* argument) {
  return ReadWord(*static_cast<Unwinding*>(argument)->crash, address, *result);
}

bool SetRegisters(Dwfl_Thread* thread, void* argument) {
  const RecordedCrash& crash = *static_cast<Unwinding*>(argument)->crash;
#if defined(__x86_64__)
  // The general ones and the return address column, which is the program counter (DWARF 16).
  constexpr size_t kUnwound = 17;
#else
  constexpr size_t kUnwound = 32;  // x0 to x30, sp
#endif
  if (crash.registers.size() < kUnwound) return false;
  Dwarf_Word registers[kUnwound];
  std::copy_n(crash.registers.begin(), kUnwound, registers);
  dwfl_thread_state_register_pc(thread, crash.program_counter);
  return dwfl_thread_state_registers(thread, 0, kUnwound, registers);
}

const Dwfl_Thread_Callbacks kThreadCallbacks = {.next_thread = NextThread,
                                                .get_thread = GetThread,
                                                .memory_read = ReadMemory,
                                                .set_initial_registers = SetRegisters,
                                                .detach = nullptr,
                                                .thread_detach = nullptr};

int OnFrame(Dwfl_Frame* frame, void* argument) {
  auto& unwinding = *static_cast<Unwinding*>(argument);
  Dwarf_Addr pc = 0;
  bool is_activation = false;
  if (!dwfl_frame_pc(frame, &pc, &is_activation)) return DWARF_CB_ABORT;
  // A return address is behind its call, and perhaps behind its function.
  const bool is_return = !is_activation || std::exchange(unwinding.begins_at_caller, false);
  unwinding.pcs.push_back(is_return ? pc - 1 : pc);
  return unwinding.pcs.size() < StackTracer::kMostFrames ? DWARF_CB_OK : DWARF_CB_ABORT;
}

}  // namespace

// The files of what one process had loaded, and of all others that had loaded the same.
class StackTracer::Session {
 public:
  Session(const std::vector<RecordedModule>& modules, const std::string& program)
      : modules_(modules), program_(program), dwfl_(dwfl_begin(&kCallbacks)) {
    if (dwfl_ == nullptr) {
      why_not_ = absl::StrFormat("dwfl_begin: %s", dwfl_errmsg(-1));
      return;
    }
    dwfl_report_begin(dwfl_);
    for (const RecordedModule& module : modules_) Report(module);
    dwfl_report_end(dwfl_, nullptr, nullptr);
    if (!dwfl_attach_state(dwfl_, nullptr, kThread, &kThreadCallbacks, &unwinding_)) {
      why_not_ = absl::StrFormat("dwfl_attach_state: %s", dwfl_errmsg(-1));
    }
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (dwfl_ != nullptr) dwfl_end(dwfl_);
  }

  const std::vector<RecordedModule>& modules() const { return modules_; }

  StackTrace Trace(const RecordedCrash& crash) {
    StackTrace trace = {.missing = missing_};
    for (const uint64_t pc : Unwind(crash, trace)) trace.frames.push_back(Describe(pc));
    return trace;
  }

 private:
  // What is shown of it: /proc/self/exe says nothing.
  std::string NameOf(const RecordedModule& module) const {
    if (!module.path.empty()) return module.path;
    char name[PATH_MAX];
    const ssize_t size = readlink(program_.c_str(), name, sizeof(name));
    return size > 0 ? std::string(name, static_cast<size_t>(size)) : program_;
  }

  const RecordedModule* Find(uint64_t address) const {
    for (const RecordedModule& module : modules_) {
      if (address >= module.start && address < module.end) return &module;
    }
    return nullptr;
  }

  void Report(const RecordedModule& module) {
    // The kernel's own, in no file: what calls through it is found all the same.
    if (module.path == kVdso) return;
    const bool is_program = module.path.empty();
    const std::string& path = is_program ? program_ : module.path;
    const auto missing = [&](std::string_view why) {
      missing_.push_back(absl::StrFormat("%s: %s", NameOf(module), why));
    };
    absl::StatusOr<UniqueFd> file = is_program ? OpenProgram(path) : OpenModuleFile(path);
    if (!file.ok()) return missing(std::string(file.status().message()));
    const std::string build_id = BuildIdOf(file->get());
    if (build_id.empty()) return missing("it has no build id");
    if (build_id != module.build_id) {
      return missing("it has another build id than what was loaded");
    }
    if (dwfl_report_elf(dwfl_, path.c_str(), path.c_str(), file->get(), module.bias,
                        /*add_p_vaddr=*/true) == nullptr) {
      return missing(dwfl_errmsg(-1));
    }
    (void)file->release();  // the module's
  }

  std::vector<uint64_t> Unwind(const RecordedCrash& crash, StackTrace& trace) {
    unwinding_ = {.crash = &crash};
    // Who has jumped to where no code is was called, most probably.
    RecordedCrash caller;
    if (Find(crash.program_counter) == nullptr && FindCaller(crash, caller)) {
      unwinding_ = {.crash = &caller, .pcs = {crash.program_counter}, .begins_at_caller = true};
    }
    int walked = -1;
    if (why_not_.empty()) walked = dwfl_getthread_frames(dwfl_, kThread, OnFrame, &unwinding_);
    std::vector<uint64_t> pcs = std::exchange(unwinding_, {}).pcs;
    if (pcs.size() >= kMostFrames) {
      trace.why_it_ends = absl::StrFormat("%d frames are the most", kMostFrames);
    } else if (walked != 0) {
      trace.why_it_ends = why_not_.empty() ? dwfl_errmsg(-1) : why_not_;
    }
    if (pcs.empty() && crash.program_counter != 0) pcs.push_back(crash.program_counter);
    return pcs;
  }

  // The state of whoever has called what crashed with its first instruction.
  bool FindCaller(const RecordedCrash& crash, RecordedCrash& caller) const {
    caller = crash;
#if defined(__x86_64__)
    constexpr size_t kStackPointer = 7;
    constexpr size_t kReturnAddress = 16;
    if (caller.registers.size() <= kReturnAddress) return false;
    uint64_t back = 0;
    if (!ReadWord(crash, crash.stack_pointer, back)) return false;
    caller.stack_pointer += sizeof(back);
    caller.registers[kStackPointer] = caller.stack_pointer;
    caller.registers[kReturnAddress] = back;
#else
    constexpr size_t kLinkRegister = 30;
    if (caller.registers.size() <= kLinkRegister) return false;
    const uint64_t back = caller.registers[kLinkRegister];
#endif
    caller.program_counter = back;
    return Find(back) != nullptr;
  }

  static bool HasLines(Dwfl_Module* module) {
    const char* file = nullptr;
    const char* debug_file = nullptr;
    dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, &file, &debug_file);
    struct stat status;
    const char* const path = debug_file != nullptr ? debug_file : file;
    return path != nullptr && stat(path, &status) == 0 && status.st_size <= kMostLineBytes;
  }

  StackFrame Describe(uint64_t pc) const {
    StackFrame frame = {.address = pc};
    const RecordedModule* const module = Find(pc);
    if (module == nullptr) return frame;
    frame.module = module->path == kVdso ? "[vdso]" : NameOf(*module);
    frame.offset = pc - module->bias;
    Dwfl_Module* const found = dwfl_ != nullptr ? dwfl_addrmodule(dwfl_, pc) : nullptr;
    if (found == nullptr) return frame;
    GElf_Off offset = 0;
    GElf_Sym symbol;
    if (const char* name =
            dwfl_module_addrinfo(found, pc, &offset, &symbol, nullptr, nullptr, nullptr)) {
      frame.function = Demangle(name);
      frame.function_offset = offset;
    }
    if (Dwfl_Line* const line = HasLines(found) ? dwfl_module_getsrc(found, pc) : nullptr) {
      int number = 0;
      if (const char* file = dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr)) {
        frame.file = Cut(file);
        frame.line = number;
      }
    }
    return frame;
  }

  const std::vector<RecordedModule> modules_;
  const std::string& program_;
  Dwfl* const dwfl_;
  std::string why_not_;
  std::vector<std::string> missing_;
  Unwinding unwinding_;
};

StackTracer::StackTracer(std::string program) : program_(std::move(program)) {}
StackTracer::~StackTracer() = default;

void StackTracer::Forget() { last_.reset(); }

StackTrace StackTracer::Trace(const RecordedCrash& crash) {
  if (last_ == nullptr || last_->modules() != crash.modules) {
    last_.reset();  // its files first
    last_ = std::make_unique<Session>(crash.modules, program_);
  }
  return last_->Trace(crash);
}

}  // namespace forkserver
