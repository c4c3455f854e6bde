// A child of type ipc-unit-test that does one thing to its memory, says so, and waits for its host
// to hang up:
//
//     idle             nothing
//     fresh N          writes to N pages that no template had
//     heap N           writes to N pages of a block that the template had on its heap
//     library N        writes to N pages of a library's .data
//     same             writes what was there already to a page of that block
//     unmap            has other memory where the template's mapping was
//     threads N        starts N threads that wait
//     descriptors N    opens N
//     spin             computes until 50 ms of processor time are used
//
// WarmUpMemory is the template's: it makes what is written to.
#ifndef TESTS_FORKSERVER_REPORT_DIRTYING_PROGRAM_H_
#define TESTS_FORKSERVER_REPORT_DIRTYING_PROGRAM_H_

#include <stddef.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/child_program.h"
#include "forkserver/host/fork_server.h"

namespace forkserver::testing {

// Pages of the block and of the library's array.
inline constexpr size_t kWarmPages = 64;

absl::Status WarmUpMemory();

class DirtyingProgram : public ChildProgram {
 public:
  int Run(ChildContext& context) override;
};

// Returns when the child has done it.
absl::StatusOr<LaunchedChild> LaunchAndWait(ForkServer& server, std::vector<std::string> argv,
                                            LaunchWay way = LaunchWay::kFork,
                                            std::string_view template_name = {});

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_REPORT_DIRTYING_PROGRAM_H_
