// Whatever a name server says: every address has a family and a name that is plain text of bounded length.
#include "agent/dns/dns_answer.hpp"

#include <algorithm>

#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto message = without_length(std::as_bytes(std::span(data, size)));
    for (const NamedAddress& known : parse_dns_answer(message)) {
        fuzz::require(known.address.known() && known.address.port == 0, "an address");
        fuzz::require(!known.name.empty() && known.name.size() <= 4 * 255, "a name of bounded length");
        fuzz::require(std::ranges::all_of(known.name, [](char c) { return c > ' ' && c < 0x7f; }), "plain text");
    }
    return 0;
}
