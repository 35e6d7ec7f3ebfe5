// A line table read from another process's memory may hold anything. Input: format, instruction, table.
#include "agent/symbols/python_line_table.hpp"

using namespace autotune::symbols;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 2) return 0;
    const auto format = static_cast<LineTableFormat>(data[0] % 3);
    (void)python_line(format, {data + 2, size - 2}, 1, data[1] * 8u);
    (void)python_line(format, {data + 2, size - 2}, 0xffff'ffff, ~std::uint64_t{0});
    return 0;
}
