// A file of FUSE whose server opens it and then answers nothing more: whoever closes a descriptor
// of it waits for the answer to a flush, with each close and not only with the last (fuse(4)),
// until the server is gone: when this is destroyed, or after ten seconds, since no signal ends such
// a wait and a test that fails must end.
//
//     FileOfSilentServer server;
//     UniqueFd fd = server.Open();
//
// It is mounted in a mount namespace of a thread, so that nothing else sees it. Needs root. Where
// /dev has no such device, it makes one.
#ifndef TESTS_TESTING_FILE_OF_SILENT_SERVER_H_
#define TESTS_TESTING_FILE_OF_SILENT_SERVER_H_

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "tests/testing/temporary_folder.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {

class FileOfSilentServer {
 public:
  FileOfSilentServer() {
    UniqueFd device(open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!device.is_open() && errno == ENOENT) {
      const std::string own = folder_.path() + "/fuse";
      Require(mknod(own.c_str(), S_IFCHR | 0600, makedev(10, 229)) == 0, "mknod");
      device.reset(open(own.c_str(), O_RDWR | O_CLOEXEC));
    }
    Require(device.is_open(), "open /dev/fuse");
    device_ = std::move(device);
  }

  ~FileOfSilentServer() {
    is_done_.release();
    if (silence_.joinable()) silence_.join();
  }

  // Once.
  UniqueFd Open() {
    UniqueFd file;
    std::binary_semaphore is_mounted{0};
    std::thread opener([&] {
      // A root that is a file, over a file.
      const std::string path = folder_.path() + "/file";
      UniqueFd below(open(path.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0600));
      Require(below.is_open(), "open");
      Require(unshare(CLONE_NEWNS) == 0, "unshare CLONE_NEWNS");
      Require(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mount MS_PRIVATE");
      const std::string options =
          absl::StrFormat("fd=%d,rootmode=100000,user_id=0,group_id=0", device_.get());
      Require(mount("silent", path.c_str(), "fuse", 0, options.c_str()) == 0, "mount fuse");
      is_mounted.release();
      file.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
      Require(file.is_open(), "open of a file of FUSE");
    });
    is_mounted.acquire();
    while (AnswerOne() != FUSE_OPEN) {
    }
    opener.join();
    silence_ = std::thread([this] {
      (void)is_done_.try_acquire_for(std::chrono::seconds(10));
      device_.reset();
    });
    return file;
  }

 private:
  static void Require(bool holds, const char* what) {
    if (holds) return;
    perror(what);
    abort();
  }

  template <typename Out>
  void Answer(const fuse_in_header& to, const Out& out) {
    struct {
      fuse_out_header header;
      Out out;
    } answer = {{.len = sizeof(answer), .error = 0, .unique = to.unique}, out};
    Require(write(device_.get(), &answer, sizeof(answer)) == sizeof(answer), "write /dev/fuse");
  }

  // Which it was.
  uint32_t AnswerOne() {
    alignas(fuse_in_header) std::array<char, FUSE_MIN_READ_BUFFER> request;
    Require(read(device_.get(), request.data(), request.size()) > 0, "read /dev/fuse");
    const auto& header = *reinterpret_cast<const fuse_in_header*>(request.data());
    switch (header.opcode) {
      case FUSE_INIT: {
        fuse_init_out out = {};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = FUSE_KERNEL_MINOR_VERSION;
        out.max_write = 4096;
        Answer(header, out);
        break;
      }
      case FUSE_GETATTR: {
        fuse_attr_out out = {};
        out.attr.ino = FUSE_ROOT_ID;
        out.attr.mode = S_IFREG | 0600;
        out.attr.nlink = 1;
        Answer(header, out);
        break;
      }
      case FUSE_OPEN:
        Answer(header, fuse_open_out{});
        break;
      default:
        Require(false, "a request that nothing here makes");
    }
    return header.opcode;
  }

  TemporaryFolder folder_;
  UniqueFd device_;
  std::binary_semaphore is_done_{0};
  std::thread silence_;
};

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_FILE_OF_SILENT_SERVER_H_
