// Every view that an HTTP head gives lies inside the bytes it was made of.
#include <functional>

#include "agent/bpf/http_head.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto inside = [&](std::string_view view) {
        const std::less_equal<> not_after;
        fuzz::require(view.empty() || (not_after(bytes.data(), view.data()) &&
                                       not_after(view.data() + view.size(), bytes.data() + bytes.size())),
                      "the view is inside the bytes");
    };
    (void)HttpHead::is_complete(bytes);
    const HttpHead head(bytes);
    inside(head.start_line());
    inside(head.method());
    inside(head.target());
    for (const char* name : {"Lambda-Runtime-Aws-Request-Id", "content-length", "", ":"})
        if (const auto value = head.header(name)) inside(*value);
    (void)head.status();
    (void)head.content_length();
    return 0;
}
