#include "analyzer/cost/cost_meter.hpp"

#include <algorithm>

#include "analyzer/cost/measured_calls.hpp"

namespace autotune::analysis {

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr Nanos kLongest = std::chrono::hours(24 * 366);

std::int64_t ns_of(Decimal ms) { return static_cast<std::int64_t>((ms * Decimal(kMillisecond)).approximate()); }

// What one call is billed by a tariff, in ns: as usage_of does it with a mean.
std::int64_t billed(const Invocation& i, const Tariff& tariff) {
    std::int64_t ns = i.duration.count();
    if (i.cold && tariff.init_billed) ns += i.init.count();
    const std::int64_t step = std::max<std::int64_t>(ns_of(tariff.step_ms), 1);
    return std::max((ns + step - 1) / step * step, ns_of(tariff.least_ms));
}

Decimal mean_ms(std::int64_t sum_ns, std::uint64_t of) {
    return Decimal(sum_ns) / Decimal(static_cast<std::int64_t>(of)) / Decimal(kMillisecond);
}

std::string counted(std::uint64_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

const char* tariff_of(Boundary boundary) { return boundary == Boundary::openwhisk ? "openwhisk" : "aws-lambda-x86"; }

}  // namespace

CostMeter::CostMeter(CostMeterOptions options, const std::vector<Tariff>& tariffs, const OwnerGraph& calls)
    : options_(options), tariffs_(tariffs), calls_(calls) {}

void CostMeter::add(const Invocation& invocation) {
    if (invocation.wall_start < options_.from || invocation.wall_start > options_.to) return;
    Function& f = functions_[invocation.function];
    if (f.calls.empty()) f.calls.resize(options_.slices);
    ++records_;
    const double part = static_cast<double>((invocation.wall_start - options_.from).count()) /
                        static_cast<double>((options_.to - options_.from).count());
    const auto slice = std::min<std::size_t>(static_cast<std::size_t>(part * options_.slices), options_.slices - 1);
    f.calls[slice] += invocation.stands_for;
    if (calls_.wall_to && invocation.wall_start <= *calls_.wall_to &&
        invocation.wall_start >= *calls_.wall_to - (calls_.to - calls_.from))
        (invocation.calls_are_known ? f.in_edges_time : f.calls_not_told) += invocation.stands_for;
    f.boundary = invocation.boundary;
    if (invocation.held || invocation.duration < Nanos(0) || invocation.duration > kLongest) {
        ++f.held;  // it was called, but how long is not its own
        return;
    }
    if (invocation.memory_mb > 0 && invocation.wall_start >= f.newest) {
        f.newest = invocation.wall_start;
        f.memory_mb = invocation.memory_mb;
    }
    count(f.at[invocation.memory_mb], invocation, slice);
}

void CostMeter::count(AtMemory& at, const Invocation& i, std::size_t slice) const {
    if (at.slices.empty()) at.slices.assign(options_.slices, CostSums{.billed = std::vector<std::int64_t>(tariffs_.size())});
    const std::uint64_t weight = i.stands_for;
    const auto times = static_cast<std::int64_t>(weight);
    ++at.records;
    at.calls += weight;
    at.duration += i.duration.count() * times;
    if (i.cold) {
        at.cold += weight;
        if (i.init > Nanos(0)) at.init += i.init.count() * times, at.init_known += weight;
    }
    CostSums& sums = at.slices[slice];
    sums.calls += weight;
    sums.duration += i.duration.count() * times;
    for (std::size_t t = 0; t < tariffs_.size(); ++t) sums.billed[t] += billed(i, tariffs_[t]) * times;
}

void CostMeter::describe(const FunctionRef& name, const Function& f, MeasuredCost& out) const {
    // A record without its memory is of the same function: where the memory is known from others, it is told of those.
    const auto found = f.at.find(f.memory_mb);
    std::uint64_t calls = 0;
    for (const std::uint64_t n : f.calls) calls += n;
    const auto remark = [&](const std::string& text) { out.remarks.push_back(name.name + ": " + text); };
    if (found == f.at.end())
        return remark("left out: of " + counted(calls, "invocation") + " none tells how long it took by itself");
    const AtMemory& now = found->second;
    const auto endpoint = static_cast<std::uint32_t>(out.model.endpoints.size());
    CostService service{.name = name.name, .tariff = tariff_of(f.boundary)};
    if (f.memory_mb > 0)
        service.memory_mb = f.memory_mb;
    else
        out.unknown_memory.push_back(service.name);
    CostEndpoint e{.name = name.name, .service = static_cast<std::uint32_t>(out.model.services.size())};
    e.load = Decimal(static_cast<std::int64_t>(calls)) * out.scale;  // until it is known who else calls
    e.duration_ms = mean_ms(now.duration, now.calls);
    e.cold = Decimal(static_cast<std::int64_t>(now.cold)) / Decimal(static_cast<std::int64_t>(now.calls));
    if (now.init_known > 0) e.init_ms = mean_ms(now.init, now.init_known);
    if (now.init_known < now.cold)
        remark("how long " + counted(now.cold - now.init_known, "cold start") + " took to begin is not on record, and not billed");
    e.billed_memory_mb = service.memory_mb;
    for (std::size_t t = 0; t < tariffs_.size(); ++t) {
        std::int64_t sum = 0;
        for (const CostSums& s : now.slices) sum += s.billed[t];
        e.billed_ms.emplace(tariffs_[t].name, mean_ms(sum, now.calls));
    }
    MeasuredEndpoint measured{.endpoint = endpoint, .slices = now.slices};
    if (f.at.size() > (f.at.contains(0) ? 2U : 1U)) {
        std::string others;
        for (const auto& [mb, at] : f.at) {
            if (mb == 0) continue;
            e.duration_at[mb] = mean_ms(at.duration, at.calls);
            if (mb == f.memory_mb) continue;
            measured.others.emplace(mb, MeasuredMemory{.cold = Decimal(static_cast<std::int64_t>(at.cold)) / Decimal(static_cast<std::int64_t>(at.calls)),
                                                       .init_ms = at.init_known > 0 ? mean_ms(at.init, at.init_known) : Decimal(),
                                                       .init_unknown = at.cold - at.init_known,
                                                       .slices = at.slices});
            others += (others.empty() ? "" : ", ") + std::to_string(at.calls) + " at " + std::to_string(mb) + " MB";
        }
        remark("all " + counted(calls, "invocation") + " are counted as if at " + std::to_string(f.memory_mb) +
               " MB, its newest memory; of them were " + others);
    }
    if (f.memory_mb > 0 && f.at.contains(0))
        remark(counted(f.at.at(0).calls, "invocation") + " without a memory on record: taken for those at " + std::to_string(f.memory_mb) + " MB");
    if (f.boundary == Boundary::http)
        remark("on which platform it runs is not on record: priced as " + service.tariff + "; --provider " + name.name + "=TARIFF says it");
    if (f.calls_not_told > 0)
        remark("whom " + counted(f.calls_not_told, "invocation") + " called was not told, to keep the agent's budget: taken for as the others'");
    if (f.held > 0) remark(counted(f.held, "invocation") + " of no length of their own (held for a debugger, or impossible): taken to last as long as the others");
    // Of a slice its calls at all memories; their times are those of this one.
    for (std::size_t s = 0; s < measured.slices.size(); ++s) {
        CostSums& sums = measured.slices[s];
        if (sums.calls == f.calls[s]) continue;
        const bool any = sums.calls > 0;
        const auto by = [&](std::int64_t sum, std::int64_t all) {
            const double mean = any ? static_cast<double>(sum) / static_cast<double>(sums.calls)
                                    : static_cast<double>(all) / static_cast<double>(now.calls);
            return static_cast<std::int64_t>(mean * static_cast<double>(f.calls[s]));
        };
        for (std::size_t t = 0; t < sums.billed.size(); ++t) {
            std::int64_t all = 0;
            for (const CostSums& one : now.slices) all += one.billed[t];
            sums.billed[t] = by(sums.billed[t], all);
        }
        sums.duration = by(sums.duration, now.duration);
        sums.calls = f.calls[s];
    }
    out.functions.push_back(std::move(measured));
    out.model.services.push_back(std::move(service));
    out.model.endpoints.push_back(std::move(e));
}

Result<MeasuredCost> CostMeter::finish() {
    MeasuredCost out{.from = options_.from, .to = options_.to, .period_hours = options_.period_hours, .invocations = records_};
    if (records_ == 0)
        return fail(Errc::not_found, "no invocation began between " + to_rfc3339(options_.from) + " and " + to_rfc3339(options_.to));
    const Decimal seconds = Decimal((options_.to - options_.from).count()) / Decimal(1'000'000'000);
    out.scale = options_.period_hours * Decimal(3'600) / seconds;
    for (const Tariff& tariff : tariffs_) out.tariffs.push_back(tariff.name);
    std::map<std::string, std::uint64_t> in_edges_time;
    for (const auto& [name, function] : functions_) {
        if (in_edges_time.contains(name.name)) {
            out.remarks.push_back(name.name + ": left out of " + name.provider + ", another platform has one of that name");
            continue;
        }
        in_edges_time[name.name] = function.in_edges_time;
        describe(name, function, out);
    }
    if (out.model.endpoints.empty())
        return fail(Errc::not_found, "of no function it is on record how long it took");
    measure_calls(out, calls_, in_edges_time);
    std::vector<std::uint64_t> by_slice(options_.slices);
    for (const auto& [name, function] : functions_)
        for (std::size_t s = 0; s < by_slice.size(); ++s) by_slice[s] += function.calls[s];
    if (const auto empty = std::ranges::count(by_slice, 0U); empty > 0)
        out.remarks.push_back("nothing was invoked in " + std::to_string(empty) + " of " + std::to_string(by_slice.size()) +
                              " equal parts of the time: if nobody watched then, it costs more than is said");
    return out;
}

}  // namespace autotune::analysis
