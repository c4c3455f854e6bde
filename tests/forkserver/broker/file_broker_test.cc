// The calls are this process's own: it is the caller, and the broker reads its memory.
#include "forkserver/host/broker/file_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "forkserver/host/broker/brokered_call.h"
#include "gtest/gtest.h"
#include "tests/transceiver/open_descriptors.h"

namespace forkserver {
namespace {

class ThisProcess : public Caller {
 public:
  ThisProcess() : Caller(getpid(), gettid()) {}
  bool StillWaits() override { return waits; }
  bool BeginAnswer() override { return waits; }

  bool waits = true;
};

template <typename T>
uint64_t Argument(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<uint64_t>(value);
  } else {
    return static_cast<uint64_t>(value);
  }
}

std::string Contents(int fd) {
  char text[64];
  const ssize_t size = read(fd, text, sizeof(text));
  return size < 0 ? "read: " + std::string(strerror(errno))
                  : std::string(text, static_cast<size_t>(size));
}

class FileBroker : public ::testing::Test {
 protected:
  void SetUp() override {
    // Short, for the addresses of sockets.
    std::string root = "/tmp/broker.XXXXXX";
    ASSERT_NE(mkdtemp(root.data()), nullptr);
    // Where the folder is may have links in it itself.
    root_ = std::filesystem::canonical(root);
    Folder("open");
    Folder("other");
    Folder("closed");
    File("open/file", "open file");
    File("other/file", "other file");
    File("closed/file", "secret");
    rules_ = {{Path("open"), FileReach::kBeneath,
               kMayRead | kMayWrite | kMayCreate | kMayRemove | kMayConnect},
              {Path("other"), FileReach::kBeneath, kMayRead}};
    before_ = OpenDescriptors();
  }
  void TearDown() override {
    EXPECT_EQ(OpenDescriptors(), before_);
    std::filesystem::remove_all(root_);
  }

  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  void Folder(const std::string& name) { ASSERT_EQ(mkdir(Path(name).c_str(), 0700), 0); }
  void File(const std::string& name, const std::string& text) {
    const UniqueFd fd(open(Path(name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Link(const std::string& target, const std::string& name) {
    ASSERT_EQ(symlink(target.c_str(), Path(name).c_str()), 0);
  }

  template <typename... Arguments>
  FileAnswer Do(int number, Arguments... arguments) {
    seccomp_data data = {};
    data.nr = number;
    data.arch = kNativeArchitecture;
    const uint64_t all[] = {Argument(arguments)..., 0};
    for (size_t i = 0; i < sizeof...(arguments); ++i) data.args[i] = all[i];
    absl::StatusOr<PathPolicy> policy = PathPolicy::Create(rules_);
    EXPECT_TRUE(policy.ok()) << policy.status();
    return CarryOutCall(*policy, caller_, data, options_);
  }
  FileAnswer Open(const std::string& path, int flags = O_RDONLY, mode_t mode = 0) {
    return Do(SYS_openat, AT_FDCWD, path.c_str(), flags, mode);
  }
  // What a file opened so says, or the error.
  std::string Read(const std::string& path, int flags = O_RDONLY) {
    const FileAnswer answer = Open(path, flags);
    if (answer.error != 0) return strerrorname_np(answer.error);
    return Contents(answer.descriptor.get());
  }

  std::string root_;
  std::vector<FileRule> rules_;
  FileBrokerOptions options_;
  ThisProcess caller_;
  size_t before_ = 0;
};

TEST_F(FileBroker, OpensWhatTheRulesAllow) {
  EXPECT_EQ(Read(Path("open/file")), "open file");
  EXPECT_EQ(Read(Path("other/file")), "other file");
}

TEST_F(FileBroker, WhatTheRulesDoNotAllowIsEaccesWhetherItIsThereOrNot) {
  for (const std::string name : {"closed/file", "closed/none", "closed", "none/at/all", ""}) {
    const FileAnswer answer = Open(Path(name));
    EXPECT_EQ(answer.error, EACCES) << name;
    EXPECT_EQ(answer.refusal, Refusal::kByRules) << name;
    EXPECT_EQ(answer.path, Path(name)) << name;
  }
  EXPECT_EQ(Open(Path("other/file"), O_RDWR).error, EACCES);
  EXPECT_EQ(Open(Path("other/file"), O_RDONLY | O_TRUNC).error, EACCES);
  EXPECT_EQ(Open(Path("other/new"), O_RDONLY | O_CREAT).error, EACCES);
}

TEST_F(FileBroker, WhatTheRulesAllowAndIsNotThereHasTheKernelsError) {
  const FileAnswer answer = Open(Path("open/none"));
  EXPECT_EQ(answer.error, ENOENT);
  EXPECT_EQ(answer.refusal, Refusal::kNone);
  EXPECT_EQ(Read(Path("open/file/below")), "ENOTDIR");
}

TEST_F(FileBroker, ALinkOutOfTheAllowedFolderIsRefused) {
  Link(Path("closed/file"), "open/absolute");
  Link("../closed/file", "open/relative");
  Link("../closed", "open/folder");
  Link("absolute", "open/twice");
  for (const char* name : {"open/absolute", "open/relative", "open/folder/file", "open/twice"}) {
    const FileAnswer answer = Open(Path(name));
    EXPECT_EQ(answer.error, EACCES) << name;
    EXPECT_EQ(answer.refusal, Refusal::kByRules) << name;
  }
}

TEST_F(FileBroker, ALinkBetweenAllowedFoldersIsFollowed) {
  Link(Path("other/file"), "open/absolute");
  Link("../other", "open/folder");
  EXPECT_EQ(Read(Path("open/absolute")), "other file");
  EXPECT_EQ(Read(Path("open/folder/file")), "other file");
}

TEST_F(FileBroker, ALinkGivesNoRightsThatItsTargetHasNot) {
  Link("../other/file", "open/link");
  EXPECT_EQ(Open(Path("open/link"), O_WRONLY).error, EACCES);
  EXPECT_EQ(Open(Path("open/link"), O_WRONLY | O_CREAT, 0600).error, EACCES);
  EXPECT_EQ(Read(Path("other/file")), "other file");
}

TEST_F(FileBroker, ALinkThatTheRulesDoNotNameIsNotFollowedIntoWhatTheyDo) {
  Link("../open/file", "closed/link");
  EXPECT_EQ(Read(Path("closed/link")), "EACCES");
}

TEST_F(FileBroker, NoFollowIsElopForALink) {
  Link("file", "open/link");
  EXPECT_EQ(Read(Path("open/link")), "open file");
  EXPECT_EQ(Read(Path("open/link"), O_RDONLY | O_NOFOLLOW), "ELOOP");
}

TEST_F(FileBroker, LinksInACircleAreEloop) {
  Link("b", "open/a");
  Link("a", "open/b");
  EXPECT_EQ(Read(Path("open/a")), "ELOOP");
}

TEST_F(FileBroker, DotDotStaysWithinWhatIsAllowed) {
  EXPECT_EQ(Read(Path("open/../open/file")), "open file");
  EXPECT_EQ(Read(Path("open/../other/file")), "other file");
  EXPECT_EQ(Read(Path("open/../closed/file")), "EACCES");
  EXPECT_EQ(Read(Path("open/../../../../../../../../etc/passwd")), "EACCES");
}

TEST_F(FileBroker, DotDotBehindALinkIsLookedUpWhereItReallyLeads) {
  Folder("closed/inner");
  Link("../closed/inner", "open/link");
  // By name this is open/file; for the kernel it is closed/file.
  EXPECT_EQ(Read(Path("open/link/../file")), "EACCES");
}

TEST_F(FileBroker, SlashesAndDotsMeanNothing) {
  EXPECT_EQ(Read("//" + root_ + "//open///./file"), "open file");
  EXPECT_EQ(Read(Path("open/file/")), "ENOTDIR");
  EXPECT_EQ(Read(Path("open/file/.")), "ENOTDIR");
  EXPECT_EQ(Open(Path("open/")).error, 0);
  EXPECT_EQ(Open(Path("open/."), O_DIRECTORY).error, 0);
}

TEST_F(FileBroker, BadPathsHaveTheKernelsErrors) {
  EXPECT_EQ(Read(""), "ENOENT");
  EXPECT_EQ(Open("/" + std::string(PATH_MAX, 'x')).error, ENAMETOOLONG);
  EXPECT_EQ(Open(Path("open/" + std::string(NAME_MAX + 1, 'x'))).error, ENAMETOOLONG);
  EXPECT_EQ(Do(SYS_openat, AT_FDCWD, 0, O_RDONLY).error, EFAULT);
  EXPECT_EQ(Do(SYS_openat, AT_FDCWD, UINT64_MAX - 100, O_RDONLY).error, EFAULT);
}

TEST_F(FileBroker, APathMayEndRightBeforeWhatIsNotMapped) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  char* const memory = static_cast<char*>(
      mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(mprotect(memory + 2 * page, page, PROT_NONE), 0);
  const std::string path = Path("open/file");
  char* const at_end = memory + 2 * page - path.size() - 1;
  strcpy(at_end, path.c_str());
  EXPECT_EQ(Do(SYS_openat, AT_FDCWD, at_end, O_RDONLY).error, 0);
  char* const across = memory + page - path.size() / 2;
  strcpy(across, path.c_str());
  EXPECT_EQ(Do(SYS_openat, AT_FDCWD, across, O_RDONLY).error, 0);
  // Without its NUL it runs into what is not mapped.
  memset(memory + page, '/', page);
  EXPECT_EQ(Do(SYS_openat, AT_FDCWD, memory + 2 * page - 5, O_RDONLY).error, EFAULT);
  munmap(memory, 3 * page);
}

TEST_F(FileBroker, MagicLinksAreNeverFollowed) {
  rules_.push_back({"/proc/self", FileReach::kBeneath, kMayRead});
  rules_.push_back({"/", FileReach::kBeneath, kMayRead});
  const UniqueFd held(open(Path("closed/file").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(Read("/proc/self/fd/" + std::to_string(held.get())), "ELOOP");
  EXPECT_EQ(Read("/proc/self/root" + Path("open/file")), "ELOOP");
  EXPECT_EQ(Read("/proc/self/cwd/../x"), "ELOOP");
  EXPECT_EQ(Read("/proc/self/exe"), "ELOOP");
  Link("/proc/self/root/etc/passwd", "open/magic");
  EXPECT_EQ(Read(Path("open/magic")), "ELOOP");
}

TEST_F(FileBroker, ProcSelfIsTheCallersOwn) {
  rules_.push_back({"/proc/self/stat", FileReach::kExactly, kMayRead});
  const std::string own = std::to_string(getpid()) + " (";
  EXPECT_TRUE(Read("/proc/self/stat").starts_with(own)) << Read("/proc/self/stat");
  EXPECT_TRUE(Read("/proc/self/../self/stat").starts_with(own));
  EXPECT_EQ(Read("/proc/self/status"), "EACCES");
  EXPECT_EQ(Read("/proc/1/stat"), "EACCES");
}

TEST_F(FileBroker, TheHostsOwnProcessIsOutOfReach) {
  class Stranger : public Caller {
   public:
    // Its memory is this thread's, so that a call can be made; its pid is another.
    Stranger() : Caller(1, gettid()) {}
    bool StillWaits() override { return true; }
    bool BeginAnswer() override { return true; }
  } stranger;
  const PathPolicy policy =
      *PathPolicy::Create(std::vector<FileRule>{{"/proc", FileReach::kBeneath, kMayRead}});
  const auto error_of = [&](const std::string& path) {
    seccomp_data data = {};
    data.nr = SYS_openat;
    data.arch = kNativeArchitecture;
    data.args[0] = static_cast<uint64_t>(AT_FDCWD);
    data.args[1] = Argument(path.c_str());
    return CarryOutCall(policy, stranger, data).error;
  };
  EXPECT_EQ(error_of("/proc/uptime"), 0);
  EXPECT_EQ(error_of("/proc/" + std::to_string(getpid()) + "/environ"), EACCES);
  EXPECT_EQ(error_of("/proc/thread-self/environ"), EACCES);
  // A thread's number opens a directory that no listing of /proc shows.
  std::atomic<bool> is_done = false;
  std::atomic<pid_t> tid = 0;
  std::thread other([&] {
    tid = gettid();
    tid.notify_one();
    is_done.wait(false);
  });
  tid.wait(0);
  EXPECT_EQ(error_of("/proc/" + std::to_string(tid) + "/environ"), EACCES);
  is_done = true;
  is_done.notify_one();
  other.join();
  EXPECT_EQ(error_of("/proc/sys/../self/environ"), EACCES);
  // /proc/mounts is a link to self/mounts, and "self" would be the host here.
  EXPECT_EQ(error_of("/proc/mounts"), EACCES);
}

TEST_F(FileBroker, AFolderThatIsSwappedForALinkLeadsNowhereElse) {
  Folder("open/swap");
  File("open/swap/file", "open file");
  Link("../closed", "open/link");
  std::atomic<bool> is_done = false;
  std::atomic<int> swaps = 0;
  std::thread swapper([&] {
    while (!is_done) {
      syscall(SYS_renameat2, AT_FDCWD, Path("open/swap").c_str(), AT_FDCWD,
              Path("open/link").c_str(), RENAME_EXCHANGE);
      ++swaps;
    }
  });
  int opened = 0;
  for (int i = 0; i < 5000 || opened == 0 || swaps < 100; ++i) {
    const std::string text = Read(Path(i % 2 == 0 ? "open/swap/file" : "open/../open/swap/file"));
    if (text == "open file") ++opened;
    if (text == "secret") ADD_FAILURE() << "at try " << i;
    const FileAnswer made = Open(Path("open/swap/made"), O_WRONLY | O_CREAT, 0600);
    if (std::filesystem::exists(Path("closed/made"))) {
      ADD_FAILURE() << "made at try " << i << ", " << made.error;
      break;
    }
  }
  is_done = true;
  swapper.join();
}

TEST_F(FileBroker, AFifoDoesNotHoldTheBrokerUp) {
  ASSERT_EQ(mkfifo(Path("open/fifo").c_str(), 0600), 0);
  EXPECT_EQ(Open(Path("open/fifo"), O_WRONLY).error, ENXIO);
  const FileAnswer reader = Open(Path("open/fifo"), O_RDONLY);
  ASSERT_EQ(reader.error, 0);
  // It blocks as was asked; who asked otherwise has it otherwise.
  EXPECT_EQ(fcntl(reader.descriptor.get(), F_GETFL) & O_NONBLOCK, 0);
  const FileAnswer other = Open(Path("open/fifo"), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(fcntl(other.descriptor.get(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

TEST_F(FileBroker, DescriptorsHaveTheFlagsThatWereAskedFor) {
  const FileAnswer answer = Open(Path("open/file"), O_WRONLY | O_APPEND | O_CLOEXEC);
  ASSERT_EQ(answer.error, 0);
  EXPECT_EQ(answer.descriptor_flags, uint32_t{O_CLOEXEC});
  EXPECT_EQ(fcntl(answer.descriptor.get(), F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK),
            O_WRONLY | O_APPEND);
  EXPECT_TRUE(IsCloseOnExec(answer.descriptor.get()));
  const FileAnswer inherited = Open(Path("open/file"));
  EXPECT_EQ(inherited.descriptor_flags, 0u);
  EXPECT_TRUE(IsCloseOnExec(inherited.descriptor.get()));
}

TEST_F(FileBroker, FlagsThatAreNotKnownAreEinval) {
  for (const int flags : {O_TMPFILE | O_RDWR, O_PATH, O_DIRECT, O_ASYNC, O_NOATIME, O_ACCMODE}) {
    EXPECT_EQ(Open(Path("open/file"), flags, 0600).error, EINVAL) << std::hex << flags;
  }
}

TEST_F(FileBroker, WhatIsCreatedIsTheUsersOnly) {
  const mode_t host = umask(0);
  EXPECT_EQ(Open(Path("open/new"), O_WRONLY | O_CREAT | O_EXCL, 07777).error, 0);
  EXPECT_EQ(Do(SYS_mkdirat, AT_FDCWD, Path("open/folder").c_str(), 07777).error, 0);
  options_.umask = 022;
  EXPECT_EQ(Open(Path("open/shared"), O_WRONLY | O_CREAT, 0666).error, 0);
  umask(host);
  struct stat status;
  ASSERT_EQ(stat(Path("open/new").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  ASSERT_EQ(stat(Path("open/folder").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  ASSERT_EQ(stat(Path("open/shared").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644u);
}

TEST_F(FileBroker, NothingIsCreatedThroughALink) {
  Link("../closed", "open/folder");
  Link("../closed/dangling", "open/dangling");
  EXPECT_EQ(Open(Path("open/folder/new"), O_WRONLY | O_CREAT, 0600).error, EACCES);
  EXPECT_NE(Open(Path("open/dangling"), O_WRONLY | O_CREAT, 0600).error, 0);
  EXPECT_EQ(Open(Path("open/dangling"), O_WRONLY | O_CREAT | O_EXCL, 0600).error, EEXIST);
  EXPECT_EQ(Do(SYS_mkdirat, AT_FDCWD, Path("open/folder/new").c_str(), 0700).error, EACCES);
  EXPECT_EQ(Do(SYS_unlinkat, AT_FDCWD, Path("open/folder/file").c_str(), 0).error, EACCES);
  EXPECT_FALSE(std::filesystem::exists(Path("closed/new")));
  EXPECT_FALSE(std::filesystem::exists(Path("closed/dangling")));
  EXPECT_TRUE(std::filesystem::exists(Path("closed/file")));
}

TEST_F(FileBroker, ALinkInTheFolderOfWhatIsCreatedIsFollowedWhereItMayBe) {
  Folder("open/inner");
  Link("inner", "open/link");
  EXPECT_EQ(Open(Path("open/link/new"), O_WRONLY | O_CREAT, 0600).error, 0);
  EXPECT_TRUE(std::filesystem::exists(Path("open/inner/new")));
}

TEST_F(FileBroker, StatFillsTheCallersStruct) {
  Link("file", "open/link");
  struct stat real;
  ASSERT_EQ(stat(Path("open/file").c_str(), &real), 0);
  struct stat status = {};
  EXPECT_EQ(Do(SYS_newfstatat, AT_FDCWD, Path("open/link").c_str(), &status, 0).error, 0);
  EXPECT_EQ(status.st_ino, real.st_ino);
  EXPECT_EQ(status.st_size, real.st_size);
  EXPECT_EQ(
      Do(SYS_newfstatat, AT_FDCWD, Path("open/link").c_str(), &status, AT_SYMLINK_NOFOLLOW).error,
      0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  struct statx extended = {};
  EXPECT_EQ(
      Do(SYS_statx, AT_FDCWD, Path("open/file").c_str(), 0, STATX_BASIC_STATS, &extended).error, 0);
  EXPECT_EQ(extended.stx_ino, real.st_ino);
  EXPECT_EQ(Do(SYS_newfstatat, AT_FDCWD, Path("closed/file").c_str(), &status, 0).error, EACCES);
  EXPECT_EQ(Do(SYS_newfstatat, AT_FDCWD, Path("open/file").c_str(), 8, 0).error, EFAULT);
}

TEST_F(FileBroker, ADescriptorsOwnStatIsAnswered) {
  const UniqueFd held(open(Path("closed/file").c_str(), O_RDONLY | O_CLOEXEC));
  struct stat real;
  ASSERT_EQ(fstat(held.get(), &real), 0);
  struct stat status = {};
  EXPECT_EQ(Do(SYS_newfstatat, held.get(), "", &status, AT_EMPTY_PATH).error, 0);
  EXPECT_EQ(status.st_ino, real.st_ino);
  struct statx extended = {};
  EXPECT_EQ(Do(SYS_statx, held.get(), 0, AT_EMPTY_PATH, STATX_BASIC_STATS, &extended).error, 0);
  EXPECT_EQ(extended.stx_ino, real.st_ino);
  EXPECT_EQ(Do(SYS_newfstatat, 9999, "", &status, AT_EMPTY_PATH).error, EBADF);
  EXPECT_EQ(Do(SYS_newfstatat, held.get(), "", &status, 0).error, ENOENT);
}

TEST_F(FileBroker, AccessAndReadlinkAreAnswered) {
  Link("file", "open/link");
  EXPECT_EQ(Do(SYS_faccessat, AT_FDCWD, Path("open/file").c_str(), R_OK).error, 0);
  EXPECT_EQ(Do(SYS_faccessat, AT_FDCWD, Path("other/file").c_str(), W_OK).error, EACCES);
  EXPECT_EQ(Do(SYS_faccessat, AT_FDCWD, Path("open/none").c_str(), F_OK).error, ENOENT);
  char text[16] = {};
  const FileAnswer answer = Do(SYS_readlinkat, AT_FDCWD, Path("open/link").c_str(), text, 16);
  EXPECT_EQ(answer.error, 0);
  EXPECT_EQ(answer.value, 4);
  EXPECT_STREQ(text, "file");
  EXPECT_EQ(Do(SYS_readlinkat, AT_FDCWD, Path("open/file").c_str(), text, 16).error, EINVAL);
  EXPECT_EQ(Do(SYS_readlinkat, AT_FDCWD, Path("open/link").c_str(), text, 0).error, EINVAL);
}

TEST_F(FileBroker, FilesAreMovedAndRemoved) {
  EXPECT_EQ(Do(SYS_renameat2, AT_FDCWD, Path("open/file").c_str(), AT_FDCWD,
               Path("open/renamed").c_str(), 0)
                .error,
            0);
  EXPECT_TRUE(std::filesystem::exists(Path("open/renamed")));
  EXPECT_EQ(Do(SYS_unlinkat, AT_FDCWD, Path("open/renamed").c_str(), 0).error, 0);
  EXPECT_FALSE(std::filesystem::exists(Path("open/renamed")));
  Folder("open/folder");
  EXPECT_EQ(Do(SYS_unlinkat, AT_FDCWD, Path("open/folder/").c_str(), AT_REMOVEDIR).error, 0);
  EXPECT_EQ(Do(SYS_unlinkat, AT_FDCWD, Path("other/file").c_str(), 0).error, EACCES);
}

TEST_F(FileBroker, ARenameGivesNoRights) {
  rules_.push_back({Path("closed"), FileReach::kBeneath, kMayCreate | kMayRemove});
  // It may write there, but not read: moved, it could.
  EXPECT_EQ(Do(SYS_renameat2, AT_FDCWD, Path("closed/file").c_str(), AT_FDCWD,
               Path("open/moved").c_str(), 0)
                .error,
            EACCES);
  Folder("open/folder");
  rules_.push_back({Path("open/folder/secret"), FileReach::kExactly, kMayNothing});
  EXPECT_EQ(Do(SYS_renameat2, AT_FDCWD, Path("open/folder").c_str(), AT_FDCWD,
               Path("open/moved").c_str(), 0)
                .error,
            EACCES);
  EXPECT_FALSE(std::filesystem::exists(Path("open/moved")));
}

// What may be done with a folder is not what may be done with what is in it.
TEST_F(FileBroker, ARenameOfAFolderGivesNoRightsToWhatIsInIt) {
  Folder("closed/folder");
  File("closed/folder/secret", "secret");
  rules_.push_back({Path("closed"), FileReach::kBeneath, kMayStat});
  rules_.push_back({Path("closed/folder"), FileReach::kExactly,
                    kMayRead | kMayWrite | kMayCreate | kMayRemove | kMayConnect});
  EXPECT_EQ(Do(SYS_renameat2, AT_FDCWD, Path("closed/folder").c_str(), AT_FDCWD,
               Path("open/moved").c_str(), 0)
                .error,
            EACCES);
  EXPECT_FALSE(std::filesystem::exists(Path("open/moved")));
}

TEST_F(FileBroker, RelativePathsGoBehindTheirFolder) {
  const UniqueFd folder(open(Path("open").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const FileAnswer answer = Do(SYS_openat, folder.get(), "file", O_RDONLY);
  ASSERT_EQ(answer.error, 0);
  EXPECT_EQ(Contents(answer.descriptor.get()), "open file");
  EXPECT_EQ(Do(SYS_openat, folder.get(), "../closed/file", O_RDONLY).error, EACCES);
  // A child's working directory is the root, whatever this process's is.
  EXPECT_EQ(Read(Path("open/file").substr(1)), "open file");
  EXPECT_EQ(Do(SYS_openat, 9999, "file", O_RDONLY).error, EBADF);
  const UniqueFd file(open(Path("open/file").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(Do(SYS_openat, file.get(), "file", O_RDONLY).error, ENOTDIR);
}

TEST_F(FileBroker, AFolderThatIsGoneHasNoPath) {
  Folder("open/gone");
  const UniqueFd folder(open(Path("open/gone").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(rmdir(Path("open/gone").c_str()), 0);
  EXPECT_EQ(Do(SYS_openat, folder.get(), "file", O_RDONLY).error, ENOENT);
}

TEST_F(FileBroker, Openat2IsNoLessStrictThanTheKernel) {
  Link("file", "open/link");
  Link("../other", "open/folder");
  const UniqueFd folder(open(Path("open").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  open_how how = {.flags = O_RDONLY, .mode = 0, .resolve = 0};
  const auto open2 = [&](const char* path, uint64_t resolve, size_t size = sizeof(open_how)) {
    how.resolve = resolve;
    return Do(SYS_openat2, folder.get(), path, &how, size).error;
  };
  EXPECT_EQ(open2("link", 0), 0);
  EXPECT_EQ(open2("link", RESOLVE_NO_SYMLINKS), ELOOP);
  EXPECT_EQ(open2("file", RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS), 0);
  EXPECT_EQ(open2("file", RESOLVE_BENEATH), 0);
  EXPECT_EQ(open2("../open/file", RESOLVE_BENEATH), EXDEV);
  EXPECT_EQ(open2("folder/file", RESOLVE_BENEATH), ELOOP);
  EXPECT_EQ(open2("/file", RESOLVE_BENEATH), EXDEV);
  EXPECT_EQ(open2("/file", RESOLVE_IN_ROOT), 0);
  EXPECT_EQ(open2("file", RESOLVE_CACHED), EAGAIN);
  EXPECT_EQ(open2("file", 1u << 20), EINVAL);
  EXPECT_EQ(open2("file", 0, sizeof(open_how) - 1), EINVAL);
  EXPECT_EQ(Do(SYS_openat2, folder.get(), "file", 0, 0).error, EINVAL);
  struct {
    open_how how = {};
    uint64_t newer = 0;
  } longer;
  EXPECT_EQ(Do(SYS_openat2, folder.get(), "file", &longer, sizeof(longer)).error, 0);
  longer.newer = 1;
  EXPECT_EQ(Do(SYS_openat2, folder.get(), "file", &longer, sizeof(longer)).error, E2BIG);
}

TEST_F(FileBroker, ACallerThatIsGoneHasNothingDone) {
  caller_.waits = false;
  const FileAnswer answer = Open(Path("open/new"), O_WRONLY | O_CREAT, 0600);
  EXPECT_TRUE(answer.caller_is_gone);
  EXPECT_FALSE(std::filesystem::exists(Path("open/new")));
}

TEST_F(FileBroker, CallsOfAnotherArchitectureAreUnknown) {
  seccomp_data data = {};
  data.nr = SYS_openat;
  data.arch = kNativeArchitecture ^ 1;
  BrokeredCall call;
  EXPECT_EQ(DecodeCall(data, call), ENOSYS);
  data.arch = kNativeArchitecture;
  data.nr = SYS_openat | 0x40000000;  // x32
  EXPECT_EQ(DecodeCall(data, call), ENOSYS);
  data.nr = SYS_ptrace;
  EXPECT_EQ(DecodeCall(data, call), ENOSYS);
}

class ConnectBroker : public FileBroker {
 protected:
  static sockaddr_un Address(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return address;
  }
  UniqueFd Listen(const std::string& name) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = Address(Path(name));
    EXPECT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(socket.get(), 0), 0);
    return socket;
  }
  int Connect(int socket, const sockaddr_un& address, size_t size = sizeof(sockaddr_un)) {
    return Do(SYS_connect, socket, &address, size).error;
  }
};

TEST_F(ConnectBroker, ConnectsToASocketWithAPath) {
  const UniqueFd listener = Listen("open/s");
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(Connect(socket.get(), Address(Path("open/s"))), 0);
  const UniqueFd peer(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(peer.is_open());
  EXPECT_EQ(fcntl(socket.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(ConnectBroker, AListenerThatIsFullDoesNotHoldTheBrokerUp) {
  const UniqueFd listener = Listen("open/s");
  const UniqueFd first(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd second(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(Connect(first.get(), Address(Path("open/s"))), 0);
  EXPECT_EQ(Connect(second.get(), Address(Path("open/s"))), EAGAIN);
}

TEST_F(ConnectBroker, OtherAddressesAreRefused) {
  const UniqueFd hidden = Listen("closed/s");
  const UniqueFd weak = Listen("other/s");
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(Connect(socket.get(), Address(Path("closed/s"))), EACCES);
  EXPECT_EQ(Connect(socket.get(), Address(Path("other/s"))), EACCES);
  sockaddr_un abstract = Address("");
  memcpy(abstract.sun_path, "\0name", 5);
  EXPECT_EQ(Connect(socket.get(), abstract, 7), EACCES);
  sockaddr_un other = Address(Path("open/s"));
  other.sun_family = AF_INET;
  EXPECT_EQ(Connect(socket.get(), other, 16), EACCES);
  EXPECT_EQ(Connect(socket.get(), other, 1), EINVAL);
}

TEST_F(ConnectBroker, OnlySocketsOfThatFamilyAreConnected) {
  const UniqueFd listener = Listen("open/s");
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(Connect(socket.get(), Address(Path("open/s"))), EACCES);
}

}  // namespace
}  // namespace forkserver
