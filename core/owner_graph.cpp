#include "core/owner_graph.hpp"

namespace autotune {

std::string_view to_string(JoinBy by) {
    switch (by) {
        case JoinBy::nothing: return "nothing";
        case JoinBy::only: return "only";
        case JoinBy::thread: return "thread";
        case JoinBy::trace: return "trace";
        case JoinBy::pattern: return "pattern";
        case JoinBy::ambiguous: return "ambiguous";
    }
    return "nothing";
}

}  // namespace autotune
