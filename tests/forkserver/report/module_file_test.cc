// Which files of a dead process's naming are opened: those that this host can vouch for.
#include "forkserver/report/module_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver {
namespace {

using ::testing::HasSubstr;

constexpr char kNotOurs[] = "not loaded by this host, and not root's alone";

std::string Refusal(const std::string& path) {
  return std::string(OpenModuleFile(path).status().message());
}

// One that anybody may write to, also where the test is root.
std::string CopyOfALibrary(const std::string& folder) {
  const std::string path = folder + "/libcopy.so";
  std::filesystem::copy_file("tests/forkserver/report/libtraced.so", path);
  EXPECT_EQ(chmod(path.c_str(), 0777), 0);
  return path;
}

TEST(ModuleFile, ThatThisHostHasLoadedIsOpenedWhoeverMayWriteToIt) {
  const testing::TemporaryFolder folder;
  const std::string path = CopyOfALibrary(folder.path());
  EXPECT_EQ(Refusal(path), kNotOurs);
  void* const loaded = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(loaded, nullptr) << dlerror();
  absl::StatusOr<UniqueFd> file = OpenModuleFile(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(fcntl(file->get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(fcntl(file->get(), F_GETFD), FD_CLOEXEC);
  char magic[4];
  EXPECT_EQ(read(file->get(), magic, sizeof(magic)), 4);
  // Another one of the same name is not that.
  ASSERT_EQ(mkdir((folder.path() + "/other").c_str(), 0700), 0);
  EXPECT_EQ(Refusal(CopyOfALibrary(folder.path() + "/other")), kNotOurs);
  dlclose(loaded);
  EXPECT_EQ(Refusal(path), kNotOurs);
}

TEST(ModuleFile, ThatIsThisHostsProgramIsOpenedByItsName) {
  EXPECT_TRUE(OpenModuleFile(std::filesystem::read_symlink("/proc/self/exe")).ok());
}

TEST(ModuleFile, ThatIsRootsAloneIsOpened) {
  // Loaded by nobody.
  for (const char* path : {"/etc/passwd", "/bin/sh"}) {
    struct stat status;
    if (stat(path, &status) != 0 || status.st_uid != 0) GTEST_SKIP() << path << " is not root's";
    EXPECT_TRUE(OpenModuleFile(path).ok()) << path << OpenModuleFile(path).status();
  }
}

TEST(ModuleFile, BehindALinkOfProcIsNone) {
  const int memfd = memfd_create("hostile", MFD_CLOEXEC);
  ASSERT_GE(memfd, 0);
  for (const std::string& path :
       {absl::StrCat("/proc/self/fd/", memfd), absl::StrCat("/proc/", getpid(), "/fd/", memfd),
        absl::StrCat("/proc/thread-self/fd/", memfd), absl::StrCat("/dev/fd/", memfd),
        std::string("/proc/self/exe"), std::string("/proc/self/root/etc/passwd"),
        std::string("/proc/self/cwd/tests")}) {
    EXPECT_EQ(Refusal(path), "openat2: ELOOP") << path;
  }
  close(memfd);
}

TEST(ModuleFile, ThatTheKernelMakesUpIsNone) {
  for (const char* path : {"/proc/version", "/proc/kcore", "/sys/kernel/notes"}) {
    struct stat status;
    if (stat(path, &status) != 0) continue;
    if (status.st_uid != 0) GTEST_SKIP() << path << " is not root's";
    EXPECT_THAT(Refusal(path), HasSubstr("a file system that makes its files up")) << path;
  }
}

// For the calling thread alone, at `folder`: 0 or an errno.
int MountForThisThread(const char* type, const std::string& folder) {
  if (unshare(CLONE_NEWNS) != 0) return errno;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  return mount("none", folder.c_str(), type, 0, nullptr) == 0 ? 0 : errno;
}

TEST(ModuleFile, ThatTheKernelMakesUpBelowSysOrProcIsNone) {
  const testing::TemporaryFolder folder;
  int error = 0;
  std::string refusal;
  std::thread([&] {
    error = MountForThisThread("binfmt_misc", folder.path());
    if (error == 0) refusal = Refusal(folder.path() + "/status");
  }).join();
  if (error == EPERM || error == ENODEV) GTEST_SKIP() << "mount: " << strerrorname_np(error);
  ASSERT_EQ(error, 0) << strerrorname_np(error);
  EXPECT_THAT(refusal, HasSubstr("a file system that makes its files up"));
}

TEST(ModuleFile, ThatIsRefusedWasNeverOpened) {
  const testing::TemporaryFolder folder;
  const std::string pipe = folder.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::string library = CopyOfALibrary(folder.path());
  const int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  ASSERT_GE(watch, 0);
  ASSERT_GE(inotify_add_watch(watch, folder.path().c_str(), IN_OPEN), 0);
  EXPECT_EQ(Refusal(pipe), "no regular file");
  EXPECT_EQ(Refusal("/dev/ptmx"), "no regular file");
  EXPECT_EQ(Refusal(folder.path()), "no regular file");
  EXPECT_EQ(Refusal(library), kNotOurs);
  char event[4096];
  EXPECT_EQ(read(watch, event, sizeof(event)), -1) << "one was opened";
  EXPECT_EQ(errno, EAGAIN);
  close(watch);
}

TEST(ModuleFile, ThatIsNotThereIsTheErrorOfOpening) {
  EXPECT_EQ(Refusal("/no/such/library.so"), "openat2: ENOENT");
  EXPECT_EQ(Refusal(""), "openat2: ENOENT");
}

}  // namespace
}  // namespace forkserver
