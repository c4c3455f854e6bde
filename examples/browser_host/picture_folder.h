// The folder that pictures of pages are written to, as PNG files that are named after the pages:
// "field-guide.test-birds-heron.html.png" of https://field-guide.test/birds/heron.html.
//
//     absl::StatusOr<PictureFolder> folder = PictureFolder::Make("/tmp/pictures");
//     absl::StatusOr<std::string> name = folder->Write("https://a.test/", picture);
//
// A file that is there already is replaced; of two pages of one name the second is NAME-2.png. The
// folder is made if it is missing, its parents are not. Errors name the call and the file.
#ifndef EXAMPLES_BROWSER_HOST_PICTURE_FOLDER_H_
#define EXAMPLES_BROWSER_HOST_PICTURE_FOLDER_H_

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "examples/browser_host/picture.h"

namespace browser_host {

class PictureFolder {
 public:
  static absl::StatusOr<PictureFolder> Make(std::string path);

  // The file's name in the folder. It is whole, or not there.
  absl::StatusOr<std::string> Write(std::string_view url, const Picture& picture);

 private:
  explicit PictureFolder(std::string path) : path_(std::move(path)) {}
  std::string NameFor(std::string_view url);

  std::string path_;
  std::set<std::string> names_;  // that were given
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PICTURE_FOLDER_H_
