// What a page costs: from its URL to its picture, and the memory of its process, in one that was
// exec'ed and in one that comes from a warm template.
#ifndef BENCH_PAINT_ROWS_H_
#define BENCH_PAINT_ROWS_H_

#include <vector>

#include "bench/row.h"

namespace bench {

// Left out (Row::prepare) where the program paint_sampler is not beside this one: tools/bench
// builds it. It has the libraries that paint, and this one has not.
std::vector<Row> PaintRows();

}  // namespace bench

#endif  // BENCH_PAINT_ROWS_H_
