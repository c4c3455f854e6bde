// The folder that pictures of pages are written to, as PNG files that are named after the pages:
// "field-guide.test-birds-heron.html.png" of https://field-guide.test/birds/heron.html.
//
//     absl::StatusOr<PictureFolder> folder = PictureFolder::Make("/tmp/pictures");
//     const std::string name = folder->NameFor("https://a.test/");
//     absl::Status written = folder->Write(name, picture);
//
// A file that is there already is replaced; of two pages of one name the second is NAME-2.png. The
// folder is made if it is missing, its parents are not. Errors name the call and the file. Threads:
// any for Write, one for names.
#ifndef EXAMPLES_BROWSER_HOST_PICTURE_FOLDER_H_
#define EXAMPLES_BROWSER_HOST_PICTURE_FOLDER_H_

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "examples/browser_host/compose/picture.h"

namespace browser_host {

class PictureFolder {
 public:
  static absl::StatusOr<PictureFolder> Make(std::string path);

  // The name of its file in the folder, which is given once.
  std::string NameFor(std::string_view url);

  // The file is whole, or not there.
  absl::Status Write(const std::string& name, const Picture& picture) const;

 private:
  explicit PictureFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::set<std::string> names_;  // that were given
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PICTURE_FOLDER_H_
