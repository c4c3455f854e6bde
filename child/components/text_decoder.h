// Text of other encodings as UTF-8. The one decoder that comes with the library; an embedder adds
// those of its own to its table.
//
//     decoder.FromUtf16(bytes, ByteOrder::kLittleEndian)         // "héron"
//
// Bytes that are no text never fail: each piece that is wrong becomes U+FFFD, as browsers do it
// (encoding.spec.whatwg.org), so that what comes out is always valid UTF-8.
//
// Stateless. Threads: any number at once.
#ifndef CHILD_COMPONENTS_TEXT_DECODER_H_
#define CHILD_COMPONENTS_TEXT_DECODER_H_

#include <stdint.h>

#include <span>
#include <string>
#include <string_view>

#include "child/components/component.h"
#include "child/components/component_table.h"

namespace forkserver {

enum class ByteOrder : uint8_t { kLittleEndian, kBigEndian };

class TextDecoder : public Component {
 public:
  static constexpr std::string_view kName = "decoder.text";

  // For the types that have to do with what strangers wrote, all of them sandboxed.
  static ComponentRow Row();

  // ISO 8859-1: each byte is the code point of its number.
  std::string FromLatin1(std::span<const uint8_t> bytes) const;
  // U+FFFD for half a pair of surrogates, and for a byte too many. A byte order mark is kept.
  std::string FromUtf16(std::span<const uint8_t> bytes, ByteOrder order) const;
};

}  // namespace forkserver

#endif  // CHILD_COMPONENTS_TEXT_DECODER_H_
