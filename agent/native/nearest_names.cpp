#include "agent/native/nearest_names.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <set>
#include <utility>

namespace autotune::native {

namespace {

constexpr std::size_t kLongest = 128;  // longer names are compared by their beginning

std::string folded(std::string_view text) {
    std::string lower(text.substr(0, kLongest));
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower;
}

// Letters to change, add, take away or swap with the next; `limit` + 1 when it is more than that.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
    const std::size_t apart = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
    if (apart > limit) return limit + 1;
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before_last.swap(last);
        last.swap(row);
        row[0] = i;
        std::size_t least = row[0];
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({changed, last[j] + 1, row[j - 1] + 1});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
            least = std::min(least, row[j]);
        }
        if (least > limit) return limit + 1;
    }
    return row[b.size()];
}

}  // namespace

std::vector<std::string> nearest_names(std::string_view wanted, const std::vector<std::string>& names,
                                       std::size_t most) {
    const std::string target = folded(wanted);
    const std::size_t limit = std::max<std::size_t>(1, target.size() / 3);
    std::set<std::pair<std::size_t, std::string>> near;
    for (const std::string& name : names) {
        const std::string candidate = folded(name);
        std::size_t rank = distance(target, candidate, limit);
        const bool holds = target.size() >= 3 && candidate.find(target) != std::string::npos;
        if (rank > limit && holds) rank = limit + candidate.size() - target.size();
        else if (rank > limit) continue;
        near.emplace(rank, name);
        if (near.size() > most) near.erase(std::prev(near.end()));
    }
    std::vector<std::string> found;
    for (const auto& [rank, name] : near) found.push_back(name);
    return found;
}

}  // namespace autotune::native
