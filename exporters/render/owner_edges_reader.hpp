// Reads what owner_edges_json wrote: the edges that an agent keeps in its state folder.
#pragma once

#include <string_view>

#include "core/owner_graph.hpp"
#include "core/result.hpp"

namespace autotune::render {

// Without works and calls; `from` is the clock's zero, `to` as far after it as was watched; `wall_to` where it was
// written down. Pure.
// Errors: corrupt, with what is wrong: no such JSON, a member missing or of another type, an edge of no node.
[[nodiscard]] Result<OwnerGraph> read_owner_edges(std::string_view text);

}  // namespace autotune::render
