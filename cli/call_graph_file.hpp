// Call graphs to files, by what the file is called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/call_graph.hpp"

namespace autotune::cli {

enum class CallGraphFormat : std::uint8_t { dot, mermaid, html, json };

inline constexpr std::string_view kCallGraphEndings = ".dot, .mmd, .graph.html, .graph.json";

// By the name's end; nullopt: it is none of a call graph's.
[[nodiscard]] std::optional<CallGraphFormat> call_graph_format(std::string_view file_name);

[[nodiscard]] std::string rendered(const CallGraph& graph, CallGraphFormat format);

}  // namespace autotune::cli
