// The row of Python's multiprocessing fork server.
#ifndef BENCH_PYTHON_ROW_H_
#define BENCH_PYTHON_ROW_H_

#include "bench/row.h"

namespace bench {

// Left out (Row::prepare) where there is no python3 that has multiprocessing.
Row PythonForkserverRow();

}  // namespace bench

#endif  // BENCH_PYTHON_ROW_H_
