// Lists of sockets: whatever they hold, flows lie within the times of the lists, and pieces make no difference.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/capture/socket_snapshots.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

namespace {
std::vector<Flow> read(std::string_view text, std::size_t cut, std::uint64_t& skipped) {
    FlowNames names(1'000);
    SocketSnapshots sockets(names);
    std::vector<Flow> flows;
    if (sockets.feed(text.substr(0, cut), flows) && sockets.feed(text.substr(cut), flows)) (void)sockets.finish(flows);
    skipped = sockets.skipped();
    return flows;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::uint64_t skipped = 0, skipped_in_pieces = 0;
    const std::vector<Flow> whole = read(text, 0, skipped), pieces = read(text, size / 2, skipped_in_pieces);
    fuzz::require(whole.size() == pieces.size() && skipped == skipped_in_pieces, "pieces make no difference");
    for (std::size_t i = 0; i < whole.size(); ++i) {
        fuzz::require(whole[i].start <= whole[i].end, "a flow begins before it ends");
        fuzz::require(whole[i].start == pieces[i].start && whole[i].service == pieces[i].service, "pieces make no difference");
    }
    return 0;
}
