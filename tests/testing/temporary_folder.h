// A folder of this process, with what is in it, until this is destroyed.
//
//     const TemporaryFolder folder;
//     std::ofstream(folder.path() + "/page.html") << "<title>t</title>";
//
// Not below bazel's folder for tests: that is root's only, and tests become others. A forked child
// that ends by _exit leaves it alone.
#ifndef TESTS_TESTING_TEMPORARY_FOLDER_H_
#define TESTS_TESTING_TEMPORARY_FOLDER_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace forkserver::testing {

class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_((std::filesystem::temp_directory_path() / "forkserver-test-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) abort();
    // Without links, as the broker sees it.
    path_ = std::filesystem::canonical(path_).string();
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_TEMPORARY_FOLDER_H_
