#include "knowledge/sqlite_store.hpp"

#include <gtest/gtest.h>

#include "builders.hpp"

namespace autotune {
namespace {

class SqliteStoreTest : public testing::Test {
protected:
    std::unique_ptr<SqliteStore> open() {
        auto store = SqliteStore::open(file_);
        EXPECT_TRUE(store) << store.error().message;
        return store ? *std::move(store) : nullptr;
    }
    test::TempFolder folder_;
    std::filesystem::path file_ = folder_ / "state/deep/autotune.db";
};

TEST_F(SqliteStoreTest, GivesBackAChangeAsItWasOpened) {
    ChangeRecord c = test::change_record();
    c.id = open()->open_change(c).value();
    const auto read = open()->unfinished_changes();
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->size(), 1u);
    test::expect_same(read->front(), c);
}

TEST_F(SqliteStoreTest, GivesBackEveryFieldOfAChangeThatWasSaved) {
    auto store = open();
    ChangeRecord c = test::change_record();
    c.id = store->open_change(c).value();
    c.before.candidate = "2";
    c.before.weight = 0.1;
    c.step = Step::reverting;
    c.disposition = Disposition::rolled_back;
    c.candidate = "4";
    c.candidate_published = test::at_ms(1500);
    c.judged = test::judge_report();
    c.updated = test::at_ms(2000);
    c.detail = "harm: ü";
    ASSERT_TRUE(store->save_change(c));
    store = nullptr;
    const auto read = open()->unfinished_changes().value();
    ASSERT_EQ(read.size(), 1u);
    test::expect_same(read.front(), c);
}

TEST_F(SqliteStoreTest, ForgetsNothingOfClosedChangesButDoesNotCallThemUnfinished) {
    auto store = open();
    for (const char* token : {"a", "b", "c"}) {
        ChangeRecord c = test::change_record(token);
        c.id = store->open_change(c).value();
        if (c.token == "b") continue;
        c.step = Step::closed;
        c.disposition = Disposition::promoted;
        ASSERT_TRUE(store->save_change(c));
    }
    const auto unfinished = store->unfinished_changes().value();
    ASSERT_EQ(unfinished.size(), 1u);
    EXPECT_EQ(unfinished.front().token, "b");
    const auto newest = store->changes(2).value();
    ASSERT_EQ(newest.size(), 2u);
    EXPECT_EQ(newest[0].token, "c");
    EXPECT_EQ(newest[1].token, "b");
}

TEST_F(SqliteStoreTest, ManyNotesDoNotPushChangesOutOfTheHistory) {
    auto store = open();
    const auto keep = [&](const std::string& token, Step step, Disposition disposition, WallTime updated) {
        ChangeRecord c = test::change_record(token);
        c.step = step;
        c.disposition = disposition;
        c.updated = updated;
        ASSERT_TRUE(store->open_change(c));
    };
    keep("old", Step::closed, Disposition::promoted, test::at_ms(999));
    keep("old and unfinished", Step::reverting, Disposition::rolled_back, test::at_ms(10));
    keep("promoted", Step::closed, Disposition::promoted, test::at_ms(1000));
    for (int i = 0; i < 40; ++i)
        for (const auto d : {Disposition::planned, Disposition::refused, Disposition::notified})
            keep(std::string(to_string(d)) + std::to_string(i), Step::closed, d, test::at_ms(2000));
    keep("failed", Step::closed, Disposition::failed, test::at_ms(3000));
    const auto begun = store->changes_since(test::at_ms(1000));
    ASSERT_TRUE(begun) << begun.error().message;
    std::vector<std::string> tokens;
    for (const ChangeRecord& c : *begun) tokens.push_back(c.token);
    EXPECT_EQ(tokens, (std::vector<std::string>{"failed", "promoted", "old and unfinished"}));
}

TEST_F(SqliteStoreTest, TakesATokenOnce) {
    auto store = open();
    ASSERT_TRUE(store->open_change(test::change_record("once")));
    const auto again = store->open_change(test::change_record("once"));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::conflict);
    EXPECT_EQ(store->changes(9)->size(), 1u);
}

TEST_F(SqliteStoreTest, SavesNoChangeThatWasNeverOpened) {
    ChangeRecord c = test::change_record();
    c.id = ChangeId(42);
    auto store = open();
    const Status saved = store->save_change(c);
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().code, Errc::not_found);
    EXPECT_TRUE(store->audit(std::nullopt)->empty());
}

TEST_F(SqliteStoreTest, GivesBackEveryFieldOfAnInvocation) {
    const Invocation i = test::invocation("a1", test::at_ms(5000));
    ASSERT_TRUE(open()->append(std::span(&i, 1)));
    const auto read = open()->invocations_since(i.function, test::at_ms(5000));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->size(), 1u);
    const Invocation& r = read->front();
    EXPECT_EQ(r.id, i.id);
    EXPECT_EQ(r.function, i.function);
    EXPECT_EQ(r.version, i.version);
    EXPECT_EQ(r.qualifier, i.qualifier);
    EXPECT_EQ(r.trace_id, i.trace_id);
    EXPECT_EQ(r.process, i.process);
    EXPECT_EQ(r.cgroup, i.cgroup);
    EXPECT_EQ(r.by, i.by);
    EXPECT_EQ(r.start, i.start);
    EXPECT_EQ(r.end, i.end);
    EXPECT_EQ(r.wall_start, i.wall_start);
    EXPECT_EQ(r.duration, i.duration);
    EXPECT_EQ(r.time_limit, i.time_limit);
    EXPECT_EQ(r.status, i.status);
    EXPECT_EQ(r.error_type, i.error_type);
    EXPECT_EQ(r.cold, i.cold);
    EXPECT_EQ(r.init, i.init);
    EXPECT_EQ(r.cpu, i.cpu);
    EXPECT_EQ(r.runnable, i.runnable);
    EXPECT_EQ(r.network_wait, i.network_wait);
    EXPECT_EQ(r.disk_wait, i.disk_wait);
    EXPECT_EQ(r.thread.wall, i.thread.wall);
    EXPECT_EQ(r.thread.on_cpu, i.thread.on_cpu);
    EXPECT_EQ(r.thread.off_cpu, i.thread.off_cpu);
    EXPECT_EQ(r.thread.minor_faults, i.thread.minor_faults);
    EXPECT_EQ(r.thread.major_faults, i.thread.major_faults);
    EXPECT_EQ(r.memory_peak, i.memory_peak);
    EXPECT_EQ(r.memory_peak_is_bound, i.memory_peak_is_bound);
    EXPECT_EQ(r.memory_limit, i.memory_limit);
    EXPECT_EQ(r.memory_mb, i.memory_mb);
    EXPECT_EQ(r.request_bytes, i.request_bytes);
    EXPECT_EQ(r.response_bytes, i.response_bytes);
    EXPECT_EQ(r.samples, i.samples);
    EXPECT_EQ(r.events_lost, i.events_lost);
    EXPECT_EQ(r.usage_is_shared, i.usage_is_shared);
    EXPECT_EQ(r.held, i.held);
    EXPECT_EQ(r.boundary, i.boundary);
    EXPECT_EQ(r.io_ambiguous, i.io_ambiguous);
    ASSERT_EQ(r.peers.size(), 1u);
    EXPECT_EQ(r.peers[0].peer, i.peers[0].peer);
    EXPECT_EQ(r.peers[0].name, i.peers[0].name);
    EXPECT_EQ(r.peers[0].connects, i.peers[0].connects);
    EXPECT_EQ(r.peers[0].failures, i.peers[0].failures);
    EXPECT_EQ(r.peers[0].failed_connects, i.peers[0].failed_connects);
    EXPECT_EQ(r.peers[0].retransmits, i.peers[0].retransmits);
    EXPECT_EQ(r.peers[0].resets, i.peers[0].resets);
    EXPECT_EQ(r.peers[0].calls, i.peers[0].calls);
    EXPECT_EQ(r.peers[0].bytes_sent, i.peers[0].bytes_sent);
    EXPECT_EQ(r.peers[0].bytes_received, i.peers[0].bytes_received);
    EXPECT_EQ(r.peers[0].wait, i.peers[0].wait);
    EXPECT_EQ(r.peers[0].slowest, i.peers[0].slowest);
    EXPECT_EQ(r.not_decoded, i.not_decoded);
    EXPECT_EQ(r.calls, i.calls);
    EXPECT_EQ(r.calls_not_kept, i.calls_not_kept);
    EXPECT_TRUE(r.calls_are_known);
    EXPECT_FALSE(r.not_decoded.empty());
    ASSERT_EQ(r.files.size(), 1u);
    EXPECT_EQ(r.files[0].path, i.files[0].path);
    EXPECT_EQ(r.files[0].opens, i.files[0].opens);
    EXPECT_EQ(r.files[0].bytes_read, i.files[0].bytes_read);
    EXPECT_EQ(r.files[0].bytes_written, i.files[0].bytes_written);
    EXPECT_EQ(r.files[0].syncs, i.files[0].syncs);
    EXPECT_EQ(r.files[0].lists, i.files[0].lists);
    EXPECT_EQ(r.files[0].changes, i.files[0].changes);
    EXPECT_EQ(r.files[0].failures, i.files[0].failures);
    EXPECT_EQ(r.files[0].wait, i.files[0].wait);
}

TEST_F(SqliteStoreTest, FindsInvocationsByFunctionAndTimeOldestFirst) {
    auto store = open();
    std::vector<Invocation> batch{
        test::invocation("late", test::at_ms(3000)), test::invocation("early", test::at_ms(2000)),
        test::invocation("before", test::at_ms(1999)), test::invocation("other", test::at_ms(2500))};
    batch[3].function.name = "payments";
    ASSERT_TRUE(store->append(batch));
    const auto found = store->invocations_since({"aws-lambda", "orders"}, test::at_ms(2000)).value();
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].id.view(), "early");
    EXPECT_EQ(found[1].id.view(), "late");
}

TEST_F(SqliteStoreTest, ForgetsInvocationsBeforeATimeAndNothingElse) {
    auto store = open();
    ASSERT_TRUE(store->open_change(test::change_record()));
    const std::vector<Invocation> batch{test::invocation("old", test::at_ms(1000)),
                                        test::invocation("new", test::at_ms(2000))};
    ASSERT_TRUE(store->append(batch));
    ASSERT_TRUE(store->forget(test::at_ms(2000)));
    const auto left = store->invocations_since({"aws-lambda", "orders"}, WallTime()).value();
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].id.view(), "new");
    EXPECT_EQ(store->unfinished_changes()->size(), 1u);
}

TEST_F(SqliteStoreTest, FindsTheRefusalsOfAFunctionAndATime) {
    auto store = open();
    const auto refused = [](const std::string& function, std::int64_t ms) {
        return RefusalRecord{{{"aws-lambda", function}, "oom", "frozen " + std::to_string(ms), "resize"}, test::at_ms(ms), test::at_ms(ms)};
    };
    ASSERT_TRUE(store->keep(std::vector{refused("a", 1'000), refused("a", 2'000), refused("b", 2'100), refused("a", 3'000)}));
    const auto found = [&](const RefusalQuery& query) {
        std::vector<std::string> reasons;
        const auto records = store->refused(query);
        for (const RefusalRecord& r : records.value()) reasons.push_back(r.what.target.name + ": " + r.what.reason);
        return reasons;
    };
    using Reasons = std::vector<std::string>;
    const FunctionRef a{"aws-lambda", "a"};
    EXPECT_EQ(found({.limit = 2}), (Reasons{"a: frozen 3000", "b: frozen 2100"}));
    EXPECT_EQ(found({.from = test::at_ms(1'500), .before = test::at_ms(3'000)}), (Reasons{"b: frozen 2100", "a: frozen 2000"}));
    EXPECT_EQ(found({.before = test::at_ms(3'000), .function = a, .limit = 1}), (Reasons{"a: frozen 2000"}))
        << "newer ones and others' do not hide it";
    ASSERT_TRUE(store->forget(test::at_ms(2'000)));
    EXPECT_EQ(found({.function = a}), (Reasons{"a: frozen 3000", "a: frozen 2000"}));
}

TEST_F(SqliteStoreTest, KeepsARefusalForAsLongAsItIsMet) {
    auto store = open();
    RefusalRecord refused{{{"aws-lambda", "a"}, "oom", "frozen", "resize"}, test::at_ms(1'000), test::at_ms(1'000)};
    ASSERT_TRUE(store->keep(std::span(&refused, 1)));
    refused.until = test::at_ms(5'000);
    ASSERT_TRUE(store->keep(std::span(&refused, 1)));
    ASSERT_TRUE(store->forget(test::at_ms(4'000)));
    const auto found = store->refused({.from = test::at_ms(5'000)}).value();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].what.reason, "frozen");
    EXPECT_EQ(found[0].at, test::at_ms(1'000));
    EXPECT_EQ(found[0].until, test::at_ms(5'000));
    EXPECT_TRUE(store->refused({.before = test::at_ms(1'000)})->empty());
    ASSERT_TRUE(store->forget(test::at_ms(5'001)));
    EXPECT_TRUE(store->refused({})->empty());
}

TEST_F(SqliteStoreTest, LetsOneProcessWriteAndNamesIt) {
    auto store = open();
    const auto second = SqliteStore::open(file_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::already_exists);
    EXPECT_NE(second.error().message.find("process " + std::to_string(getpid())), std::string::npos)
        << second.error().message;
    store = nullptr;
    EXPECT_TRUE(SqliteStore::open(file_));
}

TEST_F(SqliteStoreTest, LetsReadersInWhileItWrites) {
    auto writer = open();
    ASSERT_TRUE(writer->open_change(test::change_record("a")));
    auto reader = SqliteStore::open_read_only(file_);
    ASSERT_TRUE(reader) << reader.error().message;
    ASSERT_TRUE(writer->open_change(test::change_record("b")));
    EXPECT_EQ((*reader)->changes(9)->size(), 2u);
    EXPECT_EQ((*reader)->verify_audit().value(), 2);
}

TEST_F(SqliteStoreTest, LetsReadersInWhenNobodyWrites) {
    ASSERT_TRUE(open()->open_change(test::change_record()));
    auto reader = SqliteStore::open_read_only(file_);
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ((*reader)->changes(9)->size(), 1u);
}

TEST_F(SqliteStoreTest, ReadersDoNotWrite) {
    (void)open();
    auto store = SqliteStore::open_read_only(file_);
    ASSERT_TRUE(store);
    const Invocation i = test::invocation("a", test::at_ms(1));
    EXPECT_EQ((*store)->open_change(test::change_record()).error().code, Errc::permission_denied);
    EXPECT_EQ((*store)->append(std::span(&i, 1)).error().code, Errc::permission_denied);
    EXPECT_EQ((*store)->forget(test::at_ms(9)).error().code, Errc::permission_denied);
}

TEST_F(SqliteStoreTest, SaysWhenThereIsNothingToRead) {
    const auto reader = SqliteStore::open_read_only(file_);
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().code, Errc::not_found);
    EXPECT_NE(reader.error().message.find(file_.string()), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(file_));
}

}  // namespace
}  // namespace autotune
