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

ProfileFrame frame_of(const Frame& frame, const Tables& tables) {
    return {.name = name_of(frame, tables),
            .module = std::string(tables.strings[frame.module]),
            .build_id = std::string(tables.strings[frame.build_id]),
            .file = std::string(tables.strings[frame.file]),
            .line = frame.line,
            .kind = frame.kind};
}

// Stacks of a table, put into a profile; frames are turned into text once.
class StackWriter {
public:
    explicit StackWriter(const Tables& tables) : tables_(tables) {}

    void add(StackId stack, std::uint64_t weight) {
        const auto leaf_first = tables_.stacks[stack];
        std::uint32_t node = 0;
        if (leaf_first.empty()) node = builder_.child(0, builder_.frame("[unknown]"));
        for (auto frame = leaf_first.rbegin(); frame != leaf_first.rend(); ++frame)
            node = builder_.child(node, frame_id(*frame));
        builder_.add(node, weight);
    }
    Profile take(std::string title, std::uint64_t truncated) && {
        return std::move(builder_).build(std::move(title), ProfileUnit::nanoseconds, truncated);
    }

private:
    std::uint32_t frame_id(FrameId id) {
        const auto [known, fresh] = ids_.try_emplace(id);
        if (fresh) known->second = builder_.frame(frame_of(tables_.frames[id], tables_));
        return known->second;
    }

    const Tables& tables_;
    ProfileBuilder builder_;
    std::unordered_map<FrameId, std::uint32_t> ids_;
};

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
    std::optional<std::uint64_t> serial;
    if (query.invocation) {
        serial = serial_of(book, *query.invocation);
        if (!serial) return {.title = title_of(book, query)};
    }
    std::map<StackId, std::uint64_t> by_stack;  // ordered, so that the same samples give the same bytes
    std::uint64_t truncated = 0;
    for (const Sample& s : book.samples.samples()) {
        const bool init = s.serial == kInitSerial;
        if (serial ? s.serial != *serial : init != (query.part == ProfilePart::init)) continue;
        if (s.at < query.from || s.at >= query.to) continue;
        const std::uint64_t weight = std::uint64_t{s.period_us} * 1'000;
        by_stack[s.stack] += weight;
        if (s.truncated) truncated += weight;
    }
    StackWriter writer(tables);
    for (const auto& [stack, weight] : by_stack) writer.add(stack, weight);
    return std::move(writer).take(title_of(book, query), truncated);
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
