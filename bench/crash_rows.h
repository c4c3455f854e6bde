// How long it takes from a crash to its report.
#ifndef BENCH_CRASH_ROWS_H_
#define BENCH_CRASH_ROWS_H_

#include <vector>

#include "bench/row.h"

namespace bench {

// Left out (Row::prepare) where the program crash_sampler is not beside this one: tools/bench
// builds it.
std::vector<Row> CrashRows();

}  // namespace bench

#endif  // BENCH_CRASH_ROWS_H_
