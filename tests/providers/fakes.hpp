// A clock that stands until told, and stores that fail or remember.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "core/knowledge_store.hpp"
#include "core/time.hpp"

namespace autotune::test {

class FakeClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override { return now_; }
    [[nodiscard]] WallTime wall() const override { return WallTime(now_.time_since_epoch()); }
    void advance(Nanos by) { now_ += by; }

private:
    Timestamp now_ = from_ns(1'000'000'000'000);
};

// Keeps changes and invocations as long as it lives.
class MemoryStore final : public KnowledgeStore {
public:
    Result<ChangeId> open_change(const ChangeRecord& record) override {
        all_.push_back(record);
        all_.back().id = ChangeId(static_cast<std::int64_t>(all_.size()));
        return all_.back().id;
    }
    Status save_change(const ChangeRecord& record) override {
        all_.at(static_cast<std::size_t>(record.id) - 1) = record;
        return ok();
    }
    Result<std::vector<ChangeRecord>> unfinished_changes() override {
        std::vector<ChangeRecord> found;
        std::copy_if(all_.begin(), all_.end(), std::back_inserter(found),
                     [](const ChangeRecord& c) { return c.step != Step::closed; });
        return found;
    }
    Result<std::vector<ChangeRecord>> changes(std::size_t) override {
        return std::vector<ChangeRecord>(all_.rbegin(), all_.rend());
    }
    Result<std::vector<ChangeRecord>> changes_since(WallTime from) override {
        std::vector<ChangeRecord> found;
        std::copy_if(all_.rbegin(), all_.rend(), std::back_inserter(found), [&](const ChangeRecord& c) {
            return c.step != Step::closed || (was_begun(c.disposition) && c.updated >= from);
        });
        return found;
    }
    Status append(std::span<const Invocation> invocations) override {
        calls.insert(calls.end(), invocations.begin(), invocations.end());
        return ok();
    }
    Result<std::vector<Invocation>> invocations_since(const FunctionRef& function, WallTime from) override {
        std::vector<Invocation> found;
        std::copy_if(calls.begin(), calls.end(), std::back_inserter(found), [&](const Invocation& i) {
            return i.function == function && i.wall_start >= from;
        });
        return found;
    }
    Status keep(std::span<const RefusalRecord> more) override {
        for (const RefusalRecord& r : more) {
            if (r.until <= r.at) {
                refusals.push_back(r);
                continue;
            }
            const auto known = std::find_if(refusals.begin(), refusals.end(), [&](const RefusalRecord& k) {
                return k.at == r.at && k.what.target == r.what.target && k.what.rule == r.what.rule;
            });
            if (known != refusals.end()) known->until = r.until;
        }
        return ok();
    }
    Result<std::vector<RefusalRecord>> refused(const RefusalQuery& query) override {
        std::vector<RefusalRecord> found;
        for (auto r = refusals.rbegin(); r != refusals.rend() && found.size() < query.limit; ++r)
            if (r->until >= query.from && r->at < query.before && (!query.function || r->what.target == *query.function))
                found.push_back(*r);
        return found;
    }
    Status forget(WallTime) override { return ok(); }

    std::vector<Invocation> calls;
    std::vector<RefusalRecord> refusals;  // oldest first

private:
    std::vector<ChangeRecord> all_;
};

// A store in front of another that can crash at each write of the journal, and fail at each write.
class HookedStore final : public KnowledgeStore {
public:
    explicit HookedStore(KnowledgeStore& behind) : behind_(behind) {}
    std::function<void()> before_write = [] {};
    std::function<void()> after_write = [] {};
    std::function<Status()> refuse = [] { return ok(); };

    Result<ChangeId> open_change(const ChangeRecord& record) override {
        before_write();
        if (const Status refused = refuse(); !refused) return refused.forward();
        auto id = behind_.open_change(record);
        after_write();
        return id;
    }
    Status save_change(const ChangeRecord& record) override {
        before_write();
        if (const Status refused = refuse(); !refused) return refused;
        const Status saved = behind_.save_change(record);
        after_write();
        return saved;
    }
    Result<std::vector<ChangeRecord>> unfinished_changes() override { return behind_.unfinished_changes(); }
    Result<std::vector<ChangeRecord>> changes(std::size_t limit) override { return behind_.changes(limit); }
    Result<std::vector<ChangeRecord>> changes_since(WallTime from) override {
        return behind_.changes_since(from);
    }
    Status append(std::span<const Invocation> i) override {
        const Status refused = refuse();
        return refused ? behind_.append(i) : refused;
    }
    Result<std::vector<Invocation>> invocations_since(const FunctionRef& f, WallTime from) override {
        return behind_.invocations_since(f, from);
    }
    Status keep(std::span<const RefusalRecord> refusals) override {
        const Status refused = refuse();
        return refused ? behind_.keep(refusals) : refused;
    }
    Result<std::vector<RefusalRecord>> refused(const RefusalQuery& query) override { return behind_.refused(query); }
    Status forget(WallTime before) override { return behind_.forget(before); }

private:
    KnowledgeStore& behind_;
};

}  // namespace autotune::test
