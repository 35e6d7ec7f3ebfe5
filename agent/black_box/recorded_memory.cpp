#include "agent/black_box/recorded_memory.hpp"

#include <cstring>
#include <iterator>

namespace autotune::black_box {

void RecordedMemory::add(std::uint64_t address, std::span<const std::byte> bytes) {
    auto& piece = pieces_[address];
    if (piece.size() <= bytes.size()) piece.assign(bytes.begin(), bytes.end());
}

bool RecordedMemory::read(std::uint64_t address, void* to, std::size_t size) const {
    // Pieces may overlap: the nearest that begins before need not be the one.
    for (auto piece = pieces_.upper_bound(address); piece != pieces_.begin();) {
        --piece;
        const std::uint64_t offset = address - piece->first;
        if (offset > (std::uint64_t{1} << 20)) return false;  // longer than any
        if (offset > piece->second.size() || piece->second.size() - offset < size) continue;
        std::memcpy(to, piece->second.data() + offset, size);
        return true;
    }
    return false;
}

}  // namespace autotune::black_box
