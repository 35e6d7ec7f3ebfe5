// The rows of a text of comma-separated values (RFC 4180), as it comes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace autotune {

// Cuts pieces of text into lines; a line that goes on in the next piece is kept. One owner.
class TextLines {
public:
    static constexpr std::size_t kLongest = 1 << 20;

    // Calls `take(line)` for each whole line, without its end. A line beyond kLongest is given cut to it.
    template <class Take>
    void feed(std::string_view piece, const Take& take) {
        while (!piece.empty()) {
            const std::size_t end = piece.find('\n');
            const std::string_view part = piece.substr(0, end);
            if (end == std::string_view::npos) {
                rest_ += part.substr(0, kLongest - std::min(kLongest, rest_.size()));
                return;
            }
            if (rest_.empty()) {
                take(trimmed(part.substr(0, kLongest)));
            } else {
                rest_ += part.substr(0, kLongest - std::min(kLongest, rest_.size()));
                take(trimmed(rest_));
                rest_.clear();
            }
            piece.remove_prefix(end + 1);
        }
    }
    // A last line without an end.
    template <class Take>
    void finish(const Take& take) {
        if (!rest_.empty()) take(trimmed(rest_));
        rest_.clear();
    }

private:
    static std::string_view trimmed(std::string_view line) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }
    std::string rest_;
};

// The cells of one line; views into it, or into `unquoted` where a cell had quotes within quotes. False: a
// quote is not closed, or text follows it. Line breaks within quotes are not known: none of these tables has
// them.
[[nodiscard]] bool split_row(std::string_view line, std::vector<std::string_view>& cells,
                             std::vector<std::string>& unquoted);

}  // namespace autotune
