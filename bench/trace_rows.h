// What it costs a launch to be seen: traces (forkserver/report/launch_trace.h), off, beside a
// program that is built without them, and on; and flight records
// (forkserver/host/flight_recorder.h).
#ifndef BENCH_TRACE_ROWS_H_
#define BENCH_TRACE_ROWS_H_

#include <vector>

#include "bench/row.h"

namespace bench {

// Left out (Row::prepare) where the two programs are not beside this one: tools/bench builds them,
// and a plain build of this one does not, since the one without traces compiles everything again.
std::vector<Row> TraceRows();

}  // namespace bench

#endif  // BENCH_TRACE_ROWS_H_
