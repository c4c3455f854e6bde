// Some hundreds of files that a stranger could give a decoder for a picture: each kind of picture
// broken off at many lengths and with bytes changed, and what is written to harm: sizes that no
// memory has, little that unpacks to much, chunks and scans without end, wrong CRCs, headers that
// contradict what follows them. The same ones each time.
#ifndef TESTS_EXAMPLES_DECODE_HOSTILE_PICTURES_H_
#define TESTS_EXAMPLES_DECODE_HOSTILE_PICTURES_H_

#include <string>
#include <vector>

#include "tests/examples/decode/encode_pictures.h"

namespace browser_host {

struct NamedPicture {
  std::string name = {};
  PictureBytes bytes = {};
};

// One of each kind, small and sound.
std::vector<NamedPicture> SoundPictures();
const std::vector<NamedPicture>& HostilePictures();

}  // namespace browser_host

#endif  // TESTS_EXAMPLES_DECODE_HOSTILE_PICTURES_H_
