// A stored black box: what is read of it can be shown, and written again.
#include "exporters/render/black_box.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto box = render::black_box_from({reinterpret_cast<const char*>(data), size});
    if (!box) return 0;
    (void)render::black_box_text(*box);
    const std::string json = render::black_box_json(*box);
    const auto again = render::black_box_from(json);
    fuzz::require(again.has_value(), "what was written is read again");
    fuzz::require(render::black_box_json(*again) == json, "and is the same");
    return 0;
}
