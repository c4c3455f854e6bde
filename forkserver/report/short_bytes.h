// Bytes for a column of a table: four digits at most, in units of 1024.
//
//     ShortBytes(0)         // "0"
//     ShortBytes(327680)    // "320K"
//     ShortBytes(12897485)  // "12.3M"
#ifndef FORKSERVER_REPORT_SHORT_BYTES_H_
#define FORKSERVER_REPORT_SHORT_BYTES_H_

#include <stdint.h>

#include <string>

namespace forkserver {

std::string ShortBytes(uint64_t bytes);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_SHORT_BYTES_H_
