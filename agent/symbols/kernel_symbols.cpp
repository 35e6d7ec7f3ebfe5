#include "agent/symbols/kernel_symbols.hpp"

#include <algorithm>
#include <charconv>

namespace autotune::symbols {

KernelSymbols KernelSymbols::parse(std::string_view kallsyms) {
    KernelSymbols symbols;
    while (!kallsyms.empty()) {
        const auto length = std::min(kallsyms.find('\n'), kallsyms.size());
        const std::string_view line = kallsyms.substr(0, length);
        kallsyms.remove_prefix(std::min(length + 1, kallsyms.size()));
        // address type name [module]
        std::uint64_t address = 0;
        const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
        const auto at = static_cast<std::size_t>(end - line.data());
        if (failed != std::errc() || address == 0 || line.size() < at + 4) continue;
        const char type = line[at + 1];
        if (type != 't' && type != 'T' && type != 'w' && type != 'W') continue;
        const std::string_view rest = line.substr(at + 3);
        symbols.entries_.push_back({address, static_cast<std::uint32_t>(symbols.text_.size())});
        symbols.text_.append(rest.substr(0, std::min(rest.find_first_of("\t "), rest.size())))
            .push_back('\0');
    }
    std::ranges::stable_sort(symbols.entries_, {}, &Entry::address);
    return symbols;
}

std::string_view KernelSymbols::find(std::uint64_t address) const {
    const auto after = std::ranges::upper_bound(entries_, address, {}, &Entry::address);
    return after == entries_.begin() ? std::string_view() : text_.data() + std::prev(after)->name;
}

}  // namespace autotune::symbols
