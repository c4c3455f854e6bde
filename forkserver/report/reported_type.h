// What reports call the type of a process that the host has launched: its name, and "blank" for one
// of a pool that has none yet.
#ifndef FORKSERVER_REPORT_REPORTED_TYPE_H_
#define FORKSERVER_REPORT_REPORTED_TYPE_H_

#include <string>

#include "child/process_types.h"

namespace forkserver {

inline std::string ReportedTypeName(ProcessType type) {
  return type == kTypeIsOpen ? "blank" : std::string(ProcessTypeName(type));
}

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_REPORTED_TYPE_H_
