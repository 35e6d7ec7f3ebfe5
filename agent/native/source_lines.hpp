// SourceLines: from addresses of a program to places in its sources and back, by its DWARF line table; libdw
// stays in the .cpp. One thread. A program without DWARF has no lines.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::native {

struct SourcePlace {
    std::string file;
    std::uint32_t line = 0;
};

class SourceLines {
public:
    // `path`: the file that has the DWARF, the program itself or its separate debug file.
    explicit SourceLines(const std::string& path);
    ~SourceLines();
    SourceLines(SourceLines&&) noexcept;
    SourceLines& operator=(SourceLines&&) noexcept;

    [[nodiscard]] bool empty() const;
    [[nodiscard]] std::optional<SourcePlace> at(std::uint64_t address) const;

    // Where the code of a line begins: one address a sequence of the line's instructions. `file` is a whole
    // path or the end of one. Ascending. When the line has no code, that of the first line after it that has
    // some.
    [[nodiscard]] std::vector<std::uint64_t> addresses(std::string_view file, std::uint32_t line) const;

    // Files of the program whose last part is that of `file`, to say what there is.
    [[nodiscard]] std::vector<std::string> files_like(std::string_view file) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace autotune::native
