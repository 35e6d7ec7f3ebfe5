#include "agent/symbols/stack_book.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace autotune::symbols {

namespace {

// What of the kernel's frames is our own program, and the way to it: above these the thread's own call chain begins.
constexpr std::array<std::string_view, 5> kProbed{"__schedule", "do_exit", "__alloc_frozen_pages_noprof", "__alloc_pages_noprof",
                                                  "__alloc_pages"};
constexpr std::array<std::string_view, 4> kProbes{"bpf_prog_", "bpf_trace_run", "__bpf_trace_", "__traceiter_"};

bool is_probe(std::string_view name) {
    return std::ranges::any_of(kProbes, [&](std::string_view begin) { return name.starts_with(begin); });
}

std::string_view shown(std::uint32_t number) {
    switch (number) {
        case AT_STACK_NONE: return "[no stack]";
        case AT_STACK_BEFORE: return "[waiting since before the profile began]";
        case AT_STACK_NEW: return "[waiting to run for the first time]";
        case AT_STACK_UNSEEN: return "[a switch was not seen]";
        case AT_STACK_TAKEN: return "[interrupts and other machines]";
        case AT_STACK_UNSAMPLED: return "[on CPU after the last sample]";
        case AT_STACK_LOST: return "[lost: no room in the ring]";
        default: return "[stack lost]";
    }
}

// "libc.so.6+0x27249": a debuginfod may know better, later.
bool has_no_name(std::span<const FrameId> frames, const Tables& tables) {
    return std::ranges::any_of(frames, [&](FrameId id) {
        return tables.strings[tables.frames[id].name].find("+0x") != std::string_view::npos;
    });
}

}  // namespace

// What is written by a JIT, or is nowhere yet, may have another name the next time.
bool StackBook::may_change(std::span<const FrameId> frames, Tables& tables) {
    if (!passing_ || passing_->of != &tables)
        passing_ = Passing{.of = &tables,
                           .jit = tables.strings.intern("[jit]"),
                           .anonymous = tables.strings.intern("[anon:exec]"),
                           .unmapped = tables.strings.intern("[unmapped]")};
    return std::ranges::any_of(frames, [&](FrameId id) {
        const Frame& f = tables.frames[id];
        return f.module == passing_->jit || f.name == passing_->anonymous || f.name == passing_->unmapped;
    });
}

BuiltStack StackBook::build(const SampleRecord& told, Tables& tables) {
    BuiltStack built = build_stack(told, symbolizer_, python_, tables);
    if (told.kernel.empty()) return built;
    std::vector<FrameId> frames;
    for (const std::uint64_t address : told.kernel) frames.push_back(symbolizer_.resolve_kernel(address, tables));
    const auto own = std::ranges::find_if(frames, [&](FrameId id) {
        return std::ranges::find(kProbed, tables.strings[tables.frames[id].name]) != kProbed.end();
    });
    if (own != frames.end()) frames.erase(frames.begin(), own);
    // Where no such function stands between: what is left of the way to our program.
    frames.erase(frames.begin(), std::ranges::find_if_not(frames, [&](FrameId id) { return is_probe(tables.strings[tables.frames[id].name]); }));
    const auto user = tables.stacks[built.stack];
    frames.insert(frames.end(), user.begin(), user.end());
    built.stack = tables.stacks.intern(frames);
    return built;
}

void StackBook::learn(SampleRecord told, Tables& tables) {
    const std::uint32_t number = told.number;
    Entry entry{.built = build(told, tables), .raw = nullptr};
    const auto frames = tables.stacks[entry.built.stack];
    entry.always = may_change(frames, tables);
    entry.generation = symbolizer_.generation();
    if (entry.always || (symbolizer_.awaits_names() && has_no_name(frames, tables)))
        entry.raw = std::make_unique<SampleRecord>(std::move(told));
    entries_.put(number, std::move(entry));
}

BuiltStack StackBook::find(std::uint32_t number, Tables& tables) {
    if (Entry* known = entries_.find(number)) {
        Entry& entry = *known;
        if (entry.raw && (entry.always || entry.generation != symbolizer_.generation())) {
            entry.built = build(*entry.raw, tables);
            entry.generation = symbolizer_.generation();
        }
        return entry.built;
    }
    if (number >= AT_FIRST_STACK) ++unknown_;
    const FrameId frame =
        tables.frames.intern({.name = tables.strings.intern(shown(number)), .kind = FrameKind::unknown});
    return {.stack = tables.stacks.intern(std::array{frame})};
}

}  // namespace autotune::symbols
