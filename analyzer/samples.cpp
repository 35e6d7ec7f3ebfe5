// Stack samples to the invocations that they fell into.
#include <algorithm>

#include "analyzer/assembler.hpp"

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostClosed = 64;  // of an executor

Sample sample_of(const Event& event, const StackSample& what, std::uint64_t serial) {
    const std::uint64_t weight =
        what.of == SampleOf::memory ? what.bytes : static_cast<std::uint64_t>(what.period.count());
    return {.at = event.at,
            .serial = serial,
            .stack = what.stack,
            .of = what.of,
            .truncated = what.truncated,
            .weight = weight};
}

}  // namespace

void Assembler::on(const Event& event, const StackSample& what) {
    const Owner owner = sandboxes_.owner_of(event);
    if (what.of == SampleOf::off_cpu && !owner.ambiguous && share_out(owner.executor, event, what)) return;
    if (owner.executor == nullptr) {
        // Before the first word of the executor: it initialises.
        const Sandbox* sandbox = owner.ambiguous ? nullptr : sandboxes_.find(event);
        if (sandbox == nullptr || sandbox->identities.empty()) return;
        if (FunctionBook* function = book({options_.provider, sandbox->identities.back().function}, event.at))
            keep(*function, sample_of(event, what, kInitSerial));
        return;
    }
    OpenInvocation* open = what.of == SampleOf::off_cpu ? nullptr : open_for(*owner.executor, event);
    if (open == nullptr) return;
    if (what.of == SampleOf::cpu) {
        ++open->record.samples;
        open->sampled += what.period;
    }
    if (open->book == nullptr) return;
    const Sample sample = sample_of(event, what, open->serial);
    if (what.of != SampleOf::memory) return keep(*open->book, sample);
    // Thousands of times at one stack: one sample, its time the first one's.
    const auto [known, fresh] = open->memory.try_emplace(what.stack);
    SampleRing& ring = open->book->samples;
    if (!fresh && ring.add_to(known->second, sample)) return;
    keep(*open->book, sample);
    if (!ring.samples().empty()) known->second = ring.newest();
}

void Assembler::keep(FunctionBook& book, const Sample& sample) {
    if (!book.samples.add(sample)) ++counters_.samples_replaced;
}

bool Assembler::share_out(Executor* executor, const Event& event, const StackSample& what) {
    const Timestamp from = event.at - what.period;
    const auto give = [&](FunctionBook* book, std::uint64_t serial, Timestamp start, Timestamp end) {
        StackSample part = what;
        part.period = std::min(end, event.at) - std::max(start, from);
        if (book != nullptr && part.period.count() > 0) keep(*book, sample_of(event, part, serial));
    };
    const ProcessId root = executor != nullptr ? executor->root : processes_.root_of(event.process);
    const auto past = past_.find(root.pid);
    const bool has_past = past != past_.end() && same_process(past->second.root, root);
    const OpenInvocation* open = executor != nullptr ? open_for(*executor, event) : nullptr;
    if (open != nullptr) give(open->book, open->serial, open->record.start, event.at);
    if (has_past)
        for (auto closed = past->second.newest.rbegin(); closed != past->second.newest.rend() && closed->end > from; ++closed)
            give(closed->book, closed->serial, closed->start, closed->end);
    return open != nullptr || has_past;
}

void Assembler::remember(const Executor& executor, const OpenInvocation& open) {
    Past& past = past_[executor.root.pid];
    if (!same_process(past.root, executor.root)) past = {.root = executor.root, .newest = {}};
    past.newest.push_back({open.serial, open.book, open.record.start, open.record.end});
    if (past.newest.size() > kMostClosed) past.newest.pop_front();
}

}  // namespace autotune::analysis
