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
    Search(std::vector<InputBucket>& buckets, const SizeOrder& order) : buckets_(buckets), drawn_(buckets.size()) {
        for (std::size_t b = 0; b < buckets.size(); ++b)
            for (auto& [mb, all] : buckets[b].calls) {
                std::mt19937_64 random(order.seed * 1'000'003 + mb + 7'919 * b);
                std::shuffle(all.begin(), all.end(), random);
            }
    }
    Status begin(const SizeOrder& order, Limit limit) {
        State state{.sizes_mb = {}, .objective = order.objective, .cells = {}};
        for (const auto& [mb, rows] : buckets_.front().calls) state.sizes_mb.push_back(mb);
        if (order.tariff) {
            auto price = price_of(*order.tariff, state.sizes_mb);
            if (!price) return price.forward();
            state.price = *std::move(price);
        }
        mix_ = {.buckets = std::vector<State>(buckets_.size(), state), .weights = {}, .limit = limit, .budget = order.budget};
        for (const InputBucket& bucket : buckets_) mix_.weights.push_back(bucket.weight);
        run_.state = std::move(state);
        return ok();
    }
    void for_the_mix() {
        MixStep step = next(mix_);
        while (const auto* probe = std::get_if<MixProbe>(&step)) draw(probe->bucket, probe->memory_mb), step = next(mix_);
        run_.choice = std::get<Choose>(step);
    }
    void for_each_bucket() {
        for (std::size_t b = 0; b < buckets_.size(); ++b) {
            State& own = mix_.buckets[b];
            while (!(mix_.budget > 0 && mix_.spent >= mix_.budget)) {
                own.budget = mix_.budget > 0 ? own.spent + mix_.budget - mix_.spent : 0;
                const Step now = next(own);
                const auto* probe = std::get_if<Probe>(&now);
                if (probe == nullptr) break;
                draw(b, probe->memory_mb);
            }
        }
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
    void draw(std::size_t b, std::uint32_t mb) {
        const auto& all = buckets_[b].calls.at(mb);
        run_.draws.push_back(all[drawn_[b][mb]++ % all.size()]);
        State& state = mix_.buckets[b];
        const double before = state.spent;  // by its own calls: how far it is looked into is a matter of what they cost
        run_.spent_gb_s += pay(state, run_.draws.back());
        mix_.spent += state.spent - before;
        learn(state, run_.draws.back());
    }

    std::vector<InputBucket>& buckets_;
    std::vector<std::map<std::uint32_t, std::size_t>> drawn_;
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

Result<MixRun> replay_mix(std::vector<InputBucket> buckets, const SizeOrder& order, Limit limit) {
    Search search(buckets, order);
    if (Status begun = search.begin(order, limit); !begun) return begun.forward();
    search.for_the_mix();
    search.for_each_bucket();
    search.for_the_mix();  // what was learnt since may ask for more
    return search.result();
}

}  // namespace autotune::cli
