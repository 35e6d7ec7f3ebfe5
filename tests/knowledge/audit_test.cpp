#include <gtest/gtest.h>
#include <sqlite3.h>

#include "builders.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune {
namespace {

// What somebody with the file and the sqlite3 shell could do.
void tamper(const std::filesystem::path& file, const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
    char* message = nullptr;
    const int code = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message);
    EXPECT_EQ(code, SQLITE_OK) << message;
    sqlite3_free(message);
    sqlite3_close(database);
}

class AuditTest : public testing::Test {
protected:
    void SetUp() override {
        auto store = SqliteStore::open(file_).value();
        ChangeRecord other = test::change_record("other");
        ASSERT_TRUE(store->open_change(other));
        ChangeRecord c = test::change_record();
        c.id = store->open_change(c).value();
        for (const Step step : {Step::configuring, Step::configured, Step::closed}) {
            c.step = step;
            c.disposition = step == Step::closed ? Disposition::promoted : Disposition::in_progress;
            c.judged = test::judge_report();
            c.updated += std::chrono::seconds(1);
            ASSERT_TRUE(store->save_change(c));
        }
        change_ = c.id;
    }
    Result<std::int64_t> verify() { return SqliteStore::open_read_only(file_).value()->verify_audit(); }
    void expect_caught(const std::string& sql, const std::string& what) {
        tamper(file_, sql);
        const auto verified = verify();
        ASSERT_FALSE(verified) << sql;
        EXPECT_EQ(verified.error().code, Errc::corrupt);
        EXPECT_NE(verified.error().message.find(what), std::string::npos) << verified.error().message;
    }
    static constexpr const char* kUnlock =
        "DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_deleted;";

    test::TempFolder folder_;
    std::filesystem::path file_ = folder_ / "autotune.db";
    ChangeId change_{};
};

TEST_F(AuditTest, WhatWasOnlyToldFitsItsRecordToo) {
    ChangeRecord told = test::change_record("told");
    told.step = Step::closed;
    told.disposition = Disposition::notified;
    ASSERT_TRUE(SqliteStore::open(file_).value()->open_change(told));
    const auto verified = verify();
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_EQ(*verified, 6);
    expect_caught(
        "UPDATE changes SET action = replace(action, 'notify', 'resize') || ' ' WHERE disposition = "
        "'notified'",
        "does not match");
}

TEST_F(AuditTest, TellsEveryStepOfAChange) {
    auto store = SqliteStore::open_read_only(file_).value();
    const auto trail = store->audit(change_).value();
    ASSERT_EQ(trail.size(), 4u);
    EXPECT_EQ(trail[0].step, Step::intended);
    EXPECT_EQ(trail[1].step, Step::configuring);
    EXPECT_EQ(trail[3].step, Step::closed);
    EXPECT_EQ(trail[3].disposition, Disposition::promoted);
    EXPECT_EQ(trail[3].at, test::at_ms(4000));
    EXPECT_EQ(trail[3].sequence, 5);
    EXPECT_EQ(trail[3].hash.size(), 64u);
    EXPECT_EQ(store->audit(std::nullopt)->size(), 5u);
}

TEST_F(AuditTest, VerifiesWhenNobodyTouchedIt) { EXPECT_EQ(verify().value(), 5); }

TEST_F(AuditTest, RefusesToBeChangedOrShortened) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &database), SQLITE_OK);
    EXPECT_NE(sqlite3_exec(database, "UPDATE audit SET detail = ''", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_NE(sqlite3_exec(database, "DELETE FROM audit", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
    EXPECT_EQ(verify().value(), 5);
}

TEST_F(AuditTest, NoticesAnAlteredRecord) {
    expect_caught(std::string(kUnlock) + "UPDATE audit SET detail = 'nothing happened' WHERE sequence = 3",
                  "audit record 3 was altered");
}

TEST_F(AuditTest, NoticesAnAlteredHash) {
    expect_caught(std::string(kUnlock) + "UPDATE audit SET hash = replace(hash, 'a', 'b') WHERE sequence = 2",
                  "was altered");
}

TEST_F(AuditTest, NoticesAMissingRecord) {
    expect_caught(std::string(kUnlock) + "DELETE FROM audit WHERE sequence = 3", "audit record 3 is missing");
}

TEST_F(AuditTest, NoticesAMissingEnd) {
    expect_caught(std::string(kUnlock) + "DELETE FROM audit WHERE sequence = 5", "change 2 does not match");
}

TEST_F(AuditTest, NoticesAnAlteredChange) {
    expect_caught("UPDATE changes SET disposition = 'rolled-back' WHERE id = 2", "change 2 does not match");
}

TEST_F(AuditTest, NoticesAnAlteredIntent) {
    expect_caught("UPDATE changes SET action = replace(action, '256', '512') WHERE id = 1",
                  "change 1 does not match");
}

TEST_F(AuditTest, NoticesAChangeThatIsGone) {
    expect_caught("DELETE FROM changes WHERE id = 2", "audit record 2 belongs to a change that is gone");
}

}  // namespace
}  // namespace autotune
