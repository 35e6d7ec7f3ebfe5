// Words for what a Trace tells of.
#pragma once

#include <string>
#include <string_view>

#include "exporters/render/trace_report.hpp"

namespace autotune::render {

// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t count);
// "1.23 ms", for columns: never longer than 8 characters.
[[nodiscard]] std::string short_duration(Nanos duration, Marks marks);

[[nodiscard]] std::string_view name_of(Backend backend);
[[nodiscard]] std::string_view name_of(IoOp op);
[[nodiscard]] std::string_view name_of(DeedKind kind);

// What was done, in words: "handler", "GET http://api/users 200", "read /etc/passwd", "wait: network".
[[nodiscard]] std::string label_of(const Deed& deed, const TraceReport& report);
// Where a function is: "handler.py:12", "libssl.so.3"; empty where nobody knows.
[[nodiscard]] std::string place_of(FrameId function, const Tables& tables);
// What a probe adds to one call with none beneath, as far as any call shows it; already subtracted
// everywhere.
[[nodiscard]] Nanos bias_of_a_call(const Trace& trace);
// The largest error bar of one call among the functions whose source measures it; zero: none does.
[[nodiscard]] Nanos spread_of_a_call(const Trace& trace);
[[nodiscard]] std::string function_name(FrameId function, const Tables& tables);

// "api.example:443 (10.0.0.7)", "/run/db.sock", "10.0.0.7:443"
[[nodiscard]] std::string peer_name(const Endpoint& peer, StringId path, StringId name, const Tables& tables);

}  // namespace autotune::render
