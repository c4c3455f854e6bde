// The ids by which a host tells the answers to its requests apart: one sequence for launches,
// blanks, templates and pings, so that none is ever taken for another's.
#ifndef FORKSERVER_HOST_REQUEST_IDS_H_
#define FORKSERVER_HOST_REQUEST_IDS_H_

#include <stdint.h>

namespace forkserver {

// Threads: those of the loop.
class RequestIds {
 public:
  uint64_t Next() { return ++last_; }  // never 0

 private:
  uint64_t last_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_REQUEST_IDS_H_
