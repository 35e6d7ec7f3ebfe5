#include "agent/flows/csv_rows.hpp"

namespace autotune {

bool split_row(std::string_view line, std::vector<std::string_view>& cells,
               std::vector<std::string>& unquoted) {
    cells.clear();
    if (line.find('"') == std::string_view::npos) {
        for (std::size_t at = 0; at <= line.size();) {
            const std::size_t end = std::min(line.find(',', at), line.size());
            cells.push_back(line.substr(at, end - at));
            at = end + 1;
        }
        return true;
    }
    unquoted.clear();
    unquoted.reserve(line.size());  // views into it stay
    for (std::size_t at = 0; at <= line.size();) {
        if (at == line.size() || line[at] != '"') {
            const std::size_t end = std::min(line.find(',', at), line.size());
            cells.push_back(line.substr(at, end - at));
            at = end + 1;
            continue;
        }
        std::string text;
        for (++at;; ++at) {
            const std::size_t quote = line.find('"', at);
            if (quote == std::string_view::npos) return false;
            text += line.substr(at, quote - at);
            at = quote + 1;
            if (at >= line.size() || line[at] != '"') break;
            text += '"';
        }
        if (at < line.size() && line[at] != ',') return false;
        cells.push_back(unquoted.emplace_back(std::move(text)));
        ++at;
    }
    return true;
}

}  // namespace autotune
