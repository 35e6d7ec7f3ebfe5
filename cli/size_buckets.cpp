#include "cli/size_buckets.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include "cli/text_pieces.hpp"

namespace autotune::cli {

namespace {

using namespace rules::sizing;

constexpr std::size_t kMostBuckets = 16, kMostSizes = 256;

using Key = std::pair<std::uint32_t, std::string>;  // order, name
using Tables = std::map<Key, CallsBySize>;

Status gather(SizeRows& table, const std::string& path, Tables& tables) {
    const auto at = [](const SizeRow& row, const std::string& what) {
        return fail(Errc::invalid_argument, std::to_string(row.line) + ":1: " + what);
    };
    const auto take = [&](const SizeRow& row) -> Status {
        CallsBySize& calls = tables[{row.bucket_order, row.bucket}];
        calls[row.memory_mb].push_back(row);
        if (tables.size() > kMostBuckets) return at(row, "more than " + std::to_string(kMostBuckets) + " input buckets");
        if (calls.size() > kMostSizes)
            return at(row, "more than " + std::to_string(kMostSizes) + " memory sizes of one input bucket");
        return ok();
    };
    Status read = read_text_in_pieces(path, [&](std::string_view piece) { return table.feed(piece, take); });
    if (read) read = table.finish(take);
    if (read && tables.empty()) return fail(Errc::invalid_argument, "1:1: there is no call in it");
    return read;
}

// Those of all buckets; the others of some.
std::vector<std::uint32_t> common_sizes(const Tables& tables, std::vector<std::uint32_t>& others) {
    std::map<std::uint32_t, std::size_t> seen;
    for (const auto& [key, calls] : tables)
        for (const auto& [mb, rows] : calls) ++seen[mb];
    std::vector<std::uint32_t> common;
    for (const auto& [mb, n] : seen) (n == tables.size() ? common : others).push_back(mb);
    return common;
}

class Search {
public:
    Search(const std::vector<BucketShare>& buckets, const MixDraw& draw) : buckets_(buckets), draw_(draw) {}

    Status begin(const std::vector<std::uint32_t>& sizes_mb, const SizeOrder& order, Limit limit) {
        State state{.sizes_mb = sizes_mb, .objective = order.objective, .cells = {}};
        if (order.tariff) {
            auto price = price_of(*order.tariff, state.sizes_mb);
            if (!price) return price.forward();
            state.price = *std::move(price);
        }
        mix_ = {.buckets = std::vector<State>(buckets_.size(), state), .weights = {}, .limit = limit, .budget = order.budget};
        for (const BucketShare& bucket : buckets_) mix_.weights.push_back(bucket.weight);
        run_.state = std::move(state);
        return ok();
    }
    Status for_the_mix() {
        MixStep step = next(as_it_ends());
        while (const auto* probe = std::get_if<MixProbe>(&step)) {
            if (Status drawn = draw(probe->bucket, probe->memory_mb); !drawn) return drawn;
            step = next(as_it_ends());
        }
        run_.choice = std::get<Choose>(step);
        return ok();
    }
    Status for_each_bucket() {
        for (std::size_t b = 0; b < buckets_.size(); ++b) {
            State& own = mix_.buckets[b];
            while (!ended_ && !(mix_.budget > 0 && mix_.spent >= mix_.budget)) {
                own.budget = mix_.budget > 0 ? own.spent + mix_.budget - mix_.spent : 0;
                const Step now = next(own);
                const auto* probe = std::get_if<Probe>(&now);
                if (probe == nullptr) break;
                if (Status drawn = draw(b, probe->memory_mb); !drawn) return drawn;
            }
        }
        return ok();
    }
    MixRun result() {
        run_.state.budget = mix_.budget, run_.state.spent = mix_.spent;
        MixRun out{.run = std::move(run_), .buckets = {}, .curve = expected(mix_)};
        for (std::size_t b = 0; b < buckets_.size(); ++b) {
            State& state = mix_.buckets[b];
            BucketChoice bucket{.name = buckets_[b].name, .weight = buckets_[b].weight, .own = best_of(state), .at_mix = {}, .state = {}};
            if (out.run.choice.memory_mb > 0) bucket.at_mix = at_size(state, out.run.choice.memory_mb);
            bucket.state = std::move(state);
            out.buckets.push_back(std::move(bucket));
        }
        return out;
    }

private:
    // Where nobody draws any more, as if the budget ended here.
    [[nodiscard]] Mix as_it_ends() const {
        Mix mix = mix_;
        if (ended_) mix.budget = mix.spent = std::max(mix_.spent, 1e-9);
        return mix;
    }
    Status draw(std::size_t b, std::uint32_t mb) {
        auto row = draw_(b, mb);
        if (!row) return row.forward();
        if (!*row) return ended_ = true, ok();
        run_.draws.push_back(**row);
        run_.draws.back().bucket = buckets_[b].name;
        State& state = mix_.buckets[b];
        const double before = state.spent;  // by its own calls: how far it is looked into is a matter of what they cost
        run_.spent_gb_s += pay(state, run_.draws.back());
        mix_.spent += state.spent - before;
        learn(state, run_.draws.back());
        return ok();
    }

    const std::vector<BucketShare>& buckets_;
    const MixDraw& draw_;
    bool ended_ = false;
    Mix mix_;
    SizeRun run_;
};

}  // namespace

Result<std::vector<InputBucket>> read_buckets(const std::string& path, const std::string& by, std::vector<std::uint32_t>& left_out) {
    SizeRows table(by);
    Tables tables;
    if (const Status read = gather(table, path, tables); !read) return located(read.error(), path);
    const std::vector<std::uint32_t> common = common_sizes(tables, left_out);
    if (common.empty())
        return fail(Errc::invalid_argument, shown_path(path) + ":1:1: there is no memory size at which every bucket of " + by + " has a call");
    std::vector<InputBucket> out;
    for (auto& [key, calls] : tables) {
        double rows = 0;
        for (const auto& [mb, all] : calls) rows += static_cast<double>(all.size());
        std::erase_if(calls, [&](const auto& one) { return !std::binary_search(common.begin(), common.end(), one.first); });
        out.push_back({key.second, rows / static_cast<double>(table.rows()), std::move(calls)});
    }
    return out;
}

Result<MixRun> search_mix(const std::vector<BucketShare>& buckets, const std::vector<std::uint32_t>& sizes_mb, const SizeOrder& order,
                          Limit limit, const MixDraw& draw) {
    Search search(buckets, draw);
    if (Status begun = search.begin(sizes_mb, order, limit); !begun) return begun.forward();
    if (Status found = search.for_the_mix(); !found) return found.forward();
    if (Status found = search.for_each_bucket(); !found) return found.forward();
    if (Status found = search.for_the_mix(); !found) return found.forward();  // what was learnt since may ask for more
    return search.result();
}

Result<MixRun> replay_mix(std::vector<InputBucket> buckets, const SizeOrder& order, Limit limit) {
    std::vector<BucketShare> shares;
    for (std::size_t b = 0; b < buckets.size(); ++b) {
        shares.push_back({buckets[b].name, buckets[b].weight});
        for (auto& [mb, all] : buckets[b].calls) {
            std::mt19937_64 random(order.seed * 1'000'003 + mb + 7'919 * b);
            std::shuffle(all.begin(), all.end(), random);
        }
    }
    std::vector<std::uint32_t> sizes;
    for (const auto& [mb, rows] : buckets.front().calls) sizes.push_back(mb);
    std::vector<std::map<std::uint32_t, std::size_t>> drawn(buckets.size());
    return search_mix(shares, sizes, order, limit, [&](std::size_t b, std::uint32_t mb) -> Result<std::optional<SizeRow>> {
        const auto& all = buckets[b].calls.at(mb);
        return std::optional(all[drawn[b][mb]++ % all.size()]);
    });
}

}  // namespace autotune::cli
