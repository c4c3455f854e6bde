// One number for the code that a process begins with: of every object that is loaded then, not only
// the program. What is loaded later, by dlopen, is held together by nothing but its name.
//
// Host and templates compare it, so that an update on disk cannot mix two builds: a process that
// was exec'ed after a library was replaced has another id than the host that is still running
// with the old one. An object counts by the build id note that the linker wrote into it
// (ld(1), --build-id), or, where it has none, by its name and the sizes of its segments.
#ifndef FORKSERVER_SERVER_BUILD_ID_H_
#define FORKSERVER_SERVER_BUILD_ID_H_

#include <stdint.h>

#include <string>

namespace forkserver {

// Of the objects that are loaded now. Called at the first statement of main, in every process
// alike: what is loaded later, by a warm-up, does not count.
uint64_t ComputeBuildId();

// What is said of a process that was refused for its build id, and what helps.
std::string OtherBuildText(uint64_t its, uint64_t hosts);

}  // namespace forkserver

#endif  // FORKSERVER_SERVER_BUILD_ID_H_
