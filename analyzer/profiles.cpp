#include "analyzer/profiles.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostLeafNames = 200'000;

std::string name_of(const Frame& frame, const Tables& tables) {
    const std::string_view name = tables.strings[frame.name];
    return name.empty() ? "[unknown]" : std::string(name);
}

std::vector<std::string> names_root_first(StackId stack, const Tables& tables) {
    const auto leaf_first = tables.stacks[stack];
    std::vector<std::string> names;
    names.reserve(leaf_first.size());
    for (auto frame = leaf_first.rbegin(); frame != leaf_first.rend(); ++frame)
        names.push_back(name_of(tables.frames[*frame], tables));
    if (names.empty()) names.emplace_back("[unknown]");
    return names;
}

std::optional<std::uint64_t> serial_of(const FunctionBook& book, const InvocationId& id) {
    const auto found =
        std::find_if(book.records.rbegin(), book.records.rend(), [&](const Record& r) { return r.id == id; });
    return found != book.records.rend() ? std::optional(found->serial) : std::nullopt;
}

std::string title_of(const FunctionBook& book, const ProfileQuery& query) {
    if (query.invocation) return book.function.name + " " + query.invocation->str() + " (on-CPU)";
    return book.function.name + (query.part == ProfilePart::init ? " (initialisation, on-CPU)" : " (on-CPU)");
}

}  // namespace

Profile build_profile(const FunctionBook& book, const ProfileQuery& query, const Tables& tables) {
    Profile profile;
    profile.title = title_of(book, query);
    std::optional<std::uint64_t> serial;
    if (query.invocation) {
        serial = serial_of(book, *query.invocation);
        if (!serial) return profile;
    }
    std::unordered_map<StackId, std::uint64_t> by_id;
    for (const Sample& s : book.samples.samples()) {
        const bool init = s.serial == kInitSerial;
        if (serial ? s.serial != *serial : init != (query.part == ProfilePart::init)) continue;
        if (s.at < query.from || s.at >= query.to) continue;
        const std::uint64_t weight = std::uint64_t{s.period_us} * 1'000;
        by_id[s.stack] += weight;
        if (s.truncated) profile.truncated += weight;
    }
    // Different ids may read alike: the same function at another line or in another copy of a file.
    std::map<std::vector<std::string>, std::uint64_t> by_names;
    for (const auto& [stack, weight] : by_id) by_names[names_root_first(stack, tables)] += weight;
    profile.stacks.reserve(by_names.size());
    for (const auto& [names, weight] : by_names) profile.stacks.push_back({names, weight});
    return profile;
}

void LeafNames::learn(StackId stack, const Tables& tables) {
    if (names_.size() >= kMostLeafNames || names_.contains(stack)) return;
    const auto leaf_first = tables.stacks[stack];
    names_.emplace(stack,
                   leaf_first.empty() ? std::string() : name_of(tables.frames[leaf_first.front()], tables));
}

std::string_view LeafNames::operator[](StackId stack) const {
    const auto found = names_.find(stack);
    return found != names_.end() ? std::string_view(found->second) : std::string_view();
}

HottestFrame hottest_frame(const FunctionBook& book, const LeafNames& leaves, Timestamp from, Timestamp to) {
    std::map<std::string_view, std::uint64_t> counts;  // ordered, so that ties go to the first by name
    std::uint64_t all = 0;
    for (const Sample& s : book.samples.samples()) {
        if (s.serial == kInitSerial || s.at < from || s.at > to) continue;
        ++all;
        if (const auto name = leaves[s.stack]; !name.empty()) ++counts[name];
    }
    const auto most = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most == counts.end()) return {};
    return {std::string(most->first), static_cast<double>(most->second) / static_cast<double>(all)};
}

}  // namespace autotune::analysis
