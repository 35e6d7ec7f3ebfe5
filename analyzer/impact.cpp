#include "analyzer/impact.hpp"

#include <cmath>

namespace autotune::analysis {

Impact impact_of(const FunctionBook& book, Timestamp from, Timestamp to, Nanos slow_over) {
    Impact out{.slow_over = slow_over};
    double squares = 0;
    for (const Record& r : book.records) {
        if (r.end < from || r.end > to) continue;
        const double times = r.stands_for;
        out.invocations += times;
        const bool is_slow = !failed(r.status) && slow_over > Nanos(0) && r.duration() > slow_over;
        if (!failed(r.status) && !is_slow) continue;
        (is_slow ? out.slow : out.failed) += times;
        if (r.memory_mb == 0) {
            out.unsized += times;
            continue;
        }
        const Nanos wasted = is_slow ? r.duration() - slow_over : r.duration() + (r.cold ? r.init : Nanos(0));
        const double gb_seconds = r.memory_mb / 1024.0 * to_seconds(wasted) * times;
        out.gb_seconds += gb_seconds;
        squares += gb_seconds * gb_seconds;
    }
    out.gb_seconds_error = 1.96 * std::sqrt(squares);
    return out;
}

}  // namespace autotune::analysis
