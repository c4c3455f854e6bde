// The rows of a host's start: by itself, and through the launcher. The host is this program again,
// which starts its fork server and then says that it is there.
#ifndef BENCH_START_ROWS_H_
#define BENCH_START_ROWS_H_

#include <optional>
#include <vector>

#include "bench/row.h"

namespace bench {

// The launcher's is left out (Row::prepare) where this program has no launcher built beside it.
std::vector<Row> StartRows();

// In a process that these rows started: its exit code.
std::optional<int> RunIfStartedHost(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_START_ROWS_H_
