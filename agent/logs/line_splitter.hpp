// LineSplitter: bytes that come in pieces to whole lines, numbered from 1. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::logs {

struct Line {
    std::uint64_t number = 0;
    std::string text;          // without its end, \r\n or \n
    bool is_too_long = false;  // the text is its beginning
};

class LineSplitter {
public:
    static constexpr std::size_t kLongest = 64u << 10;

    // The lines that these bytes complete.
    [[nodiscard]] std::vector<Line> add(std::string_view bytes);
    // The last one, if it has no end and none will come.
    [[nodiscard]] std::vector<Line> rest();

private:
    [[nodiscard]] Line take();

    std::string open_;
    std::uint64_t number_ = 0;  // of complete ones
    bool is_too_long_ = false;
};

}  // namespace autotune::logs
