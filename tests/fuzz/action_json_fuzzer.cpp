// What the store accepts as JSON it writes and reads again unchanged.
#include "knowledge/action_json.hpp"
#include "knowledge/io_json.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;
using fuzz::require;

namespace {

// Writing may mend bytes that are not UTF-8, so the first writing is what the second must equal.
template <class Value>
void round_trip(const Result<Value>& value, Result<Value> (*read)(std::string_view)) {
    if (!value) return;
    const std::string written = to_json(*value);
    const Result<Value> again = read(written);
    require(again.has_value(), "what was written can be read");
    require(to_json(*again) == written, "and says the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    round_trip(action_from_json(text), action_from_json);
    round_trip(judge_report_from_json(text), judge_report_from_json);
    round_trip(peers_from_json(text), peers_from_json);
    round_trip(files_from_json(text), files_from_json);
    return 0;
}
