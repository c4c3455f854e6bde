// A peer's text, as it may stand in a log or on a terminal:
//
//     OneLine("https://a.test\nbrowser 7 was closed")   // "https://a.test\x0abrowser 7 was closed"
//
// Every control character (those of C1, U+0080 to U+009F, too), every character that reverses what
// comes after it (U+202A to U+202E, U+2066 to U+2069) and every byte that is not well-formed UTF-8
// becomes \xNN, a byte each; the rest stays as it is. So the text is one line, is read in its own
// order, and gives a terminal no orders. It is for people to read: a backslash stays one, and what
// was there before cannot be told from it. What has been through it stays the same.
//
// Any thread. Allocates.
#ifndef TRANSCEIVER_ONE_LINE_H_
#define TRANSCEIVER_ONE_LINE_H_

#include <string>
#include <string_view>

namespace forkserver {

std::string OneLine(std::string_view text);

}  // namespace forkserver

#endif  // TRANSCEIVER_ONE_LINE_H_
