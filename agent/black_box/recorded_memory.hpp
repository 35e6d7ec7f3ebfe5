// RecordedMemory: pieces of a process's memory as they were, to be read as if it lived. A value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace autotune::black_box {

class RecordedMemory {
public:
    // A later piece at the same address takes the place of an earlier one, if it is not shorter.
    void add(std::uint64_t address, std::span<const std::byte> bytes);
    // False when not all of it lies in one piece.
    [[nodiscard]] bool read(std::uint64_t address, void* to, std::size_t size) const;

private:
    std::map<std::uint64_t, std::vector<std::byte>> pieces_;
};

}  // namespace autotune::black_box
