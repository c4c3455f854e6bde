// The host's side of a BirthRecord (child/birth_record.h): makes one for each start of a template,
// and reads it when that template has ended.
//
//     absl::StatusOr<NewBirthRecord> record = NewBirthRecord::Create();
//     ...record->file travels with the template's Plan, and is closed...
//     ...the template has been reaped...
//     Births births = ReadBirths(record->memory);
//
// Threads: any.
#ifndef FORKSERVER_HOST_BIRTHS_H_
#define FORKSERVER_HOST_BIRTHS_H_

#include <stdint.h>
#include <sys/types.h>

#include "absl/status/statusor.h"
#include "transceiver/mapping.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// As BirthRecord has it.
struct Births {
  uint64_t request_id = 0;  // of the last child
  pid_t pid = 0;            // of the last child; 0: none
  pid_t init = 0;           // 0: none
  pid_t maker = 0;
};

struct NewBirthRecord {
  UniqueFd file;   // a memfd that nobody can make shorter
  Mapping memory;  // of the same, to be read; no child of the host's has it

  // Both closed, and no error, where there are no sealed memfds, or a file may not even be that
  // large (RLIMIT_FSIZE): then a template that dies in the middle of a fork may leave a child that
  // nobody can reap. An error where there is no descriptor or no memory for it, which names the
  // call.
  static absl::StatusOr<NewBirthRecord> Create();
};

// None where there is no record.
Births ReadBirths(const Mapping& record);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BIRTHS_H_
