// KernelSymbols: functions of the kernel and its modules, from /proc/kallsyms. A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::symbols {

class KernelSymbols {
public:
    // Text symbols; addresses that the kernel hides (all zeros) are left out.
    [[nodiscard]] static KernelSymbols parse(std::string_view kallsyms);

    // "" when not known.
    [[nodiscard]] std::string_view find(std::uint64_t address) const;
    [[nodiscard]] bool empty() const { return entries_.empty(); }

private:
    struct Entry {
        std::uint64_t address = 0;
        std::uint32_t name = 0;  // zero-terminated in text_
    };
    std::vector<Entry> entries_;
    std::string text_;
};

}  // namespace autotune::symbols
