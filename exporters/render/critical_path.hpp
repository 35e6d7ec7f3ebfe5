// CriticalPaths for people and machines. Pure; same paths, same bytes.
#pragma once

#include <string>

#include "core/critical_path.hpp"

namespace autotune::render {

[[nodiscard]] std::string critical_paths_text(const CriticalPaths& paths);

// One line: {"groups":[{"what","detached","requests","total_ns","p50_ns","p95_ns","p99_ns","services":[{"name","requests",
// "own_ns","between_ns","share","saves_ns"}]}],"edges":[{"from","to","calls","on_path","path_ns","not_waited","longer_ns"}],
// "slowest":[{"what","id","ns","cut","path":[{"service","between","depth","at_ns","ns"}]}],"open","unknown","not_kept"}.
// saves_ns is null where it was not worked out.
[[nodiscard]] std::string critical_paths_json(const CriticalPaths& paths);

}  // namespace autotune::render
