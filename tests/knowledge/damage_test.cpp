// Files that are not what they should be, and disks that are full.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include <vector>

#include "builders.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune {
namespace {

class DamageTest : public testing::Test {
protected:
    void fill(int changes) {
        auto store = SqliteStore::open(file_).value();
        for (int i = 0; i < changes; ++i)
            ASSERT_TRUE(store->open_change(test::change_record("t" + std::to_string(i))));
    }
    void overwrite(std::streamoff at, const std::string& bytes) {
        std::fstream f(file_, std::ios::in | std::ios::out | std::ios::binary);
        f.seekp(at);
        f << bytes;
        ASSERT_TRUE(f.good());
    }
    void expect_corrupt(const std::string& what) {
        const auto store = SqliteStore::open(file_);
        ASSERT_FALSE(store);
        EXPECT_EQ(store.error().code, Errc::corrupt) << store.error().message;
        EXPECT_NE(store.error().message.find(what), std::string::npos) << store.error().message;
        EXPECT_NE(store.error().message.find("away to start anew"), std::string::npos)
            << store.error().message;
        EXPECT_FALSE(SqliteStore::open_read_only(file_));
    }
    test::TempFolder folder_;
    std::filesystem::path file_ = folder_ / "autotune.db";
};

TEST_F(DamageTest, AFileThatIsNoDatabaseIsLeftAlone) {
    std::ofstream(file_) << std::string(5000, 'x');
    expect_corrupt("not a database");
    EXPECT_EQ(std::filesystem::file_size(file_), 5000u);
}

TEST_F(DamageTest, ADatabaseOfSomebodyElseIsLeftAlone) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, "CREATE TABLE photos (x)", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
    expect_corrupt("not a store of autotune");
}

TEST_F(DamageTest, OverwrittenPagesOfTheJournalAreNoticedAtTheStart) {
    fill(60);
    std::vector<std::streamoff> pages;
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &database), SQLITE_OK);
    const auto keep = [](void* to, int, char** columns, char**) {
        static_cast<std::vector<std::streamoff>*>(to)->push_back(std::atoll(columns[0]));
        return 0;
    };
    EXPECT_EQ(sqlite3_exec(database, "SELECT pgoffset FROM dbstat WHERE name IN ('changes', 'audit') AND pagetype = 'leaf'", keep, &pages, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
    ASSERT_GT(pages.size(), 4u);
    for (const std::streamoff at : pages) overwrite(at + 8, std::string(64, '\x7f'));
    expect_corrupt("table");
}

TEST_F(DamageTest, ACutFileIsNoticedAtTheStart) {
    fill(60);
    std::filesystem::resize_file(file_, 4 * 4096);
    expect_corrupt("");
}

TEST_F(DamageTest, AnOlderSchemaIsBroughtUpToDateWithWhatItHolds) {
    fill(1);
    ASSERT_TRUE((*SqliteStore::open(file_))->append(std::vector{test::invocation("old", test::at_ms(0))}));
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &database), SQLITE_OK);
    std::string back = "DROP TABLE refusals; DROP INDEX begun_changes; ALTER TABLE changes DROP COLUMN before_head; DELETE FROM migrations WHERE version > 1;";
    for (const char* column :
         {"usage_is_shared", "thread_wall_ns", "thread_cpu_ns", "off_cpu_unknown_ns", "off_cpu_network_ns",
          "off_cpu_disk_ns", "off_cpu_lock_ns", "off_cpu_sleep_ns", "off_cpu_child_ns", "off_cpu_run_queue_ns",
          "minor_faults", "major_faults", "not_decoded", "held", "boundary", "io_ambiguous", "stands_for",
          "calls_not_kept", "calls_are_known", "calls"})
        back += std::string("ALTER TABLE invocations DROP COLUMN ") + column + ";";
    EXPECT_EQ(sqlite3_exec(database, back.c_str(), nullptr, nullptr, nullptr),
              SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
    EXPECT_FALSE(SqliteStore::open_read_only(file_));
    auto store = SqliteStore::open(file_);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_EQ((*store)->changes(10)->size(), 1u);
    EXPECT_EQ((*store)->changes(10)->front().before_head.memory_mb, 128u);
    // What was recorded before calls were does not look as if there had been none.
    bool old_knows = true;
    EXPECT_TRUE((*store)->visit_newest(WallTime(), [&](const Invocation& i) { return old_knows = i.calls_are_known, false; }));
    EXPECT_FALSE(old_knows);
    EXPECT_TRUE((*store)->append(std::vector{test::invocation("i", test::at_ms(1))}));
}

TEST_F(DamageTest, ANewerSchemaIsNotTouched) {
    fill(1);
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file_.c_str(), &database), SQLITE_OK);
    ASSERT_EQ(
        sqlite3_exec(database, "INSERT INTO migrations VALUES (99, 'later')", nullptr, nullptr, nullptr),
        SQLITE_OK);
    sqlite3_close(database);
    const auto store = SqliteStore::open(file_);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::unsupported);
    EXPECT_NE(store.error().message.find("newer autotune"), std::string::npos);
}

// Stands for a full disk: no file may grow beyond `bytes`, as long as this lives.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &old_);
        const rlimit now{bytes, old_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &now);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &old_);
        signal(SIGXFSZ, SIG_DFL);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit old_{};
};

TEST_F(DamageTest, AFullDiskFailsTheWriteAndLeavesTheStateAsItWas) {
    auto store = SqliteStore::open(file_).value();
    ChangeRecord c = test::change_record();
    c.id = store->open_change(c).value();
    const Invocation i = test::invocation("i", test::at_ms(1));
    {
        // The WAL file is what grows; it has a few pages by now.
        const FileSizeLimit full(std::filesystem::file_size(file_.string() + "-wal"));
        ChangeRecord next = c;
        next.step = Step::configuring;
        next.detail = std::string(20000, 'x');
        EXPECT_FALSE(store->save_change(next));
        EXPECT_FALSE(store->open_change(test::change_record("second")));
        EXPECT_FALSE(store->append(std::span(&i, 1)));
        const auto unfinished = store->unfinished_changes();
        ASSERT_TRUE(unfinished) << unfinished.error().message;
        ASSERT_EQ(unfinished->size(), 1u);
        test::expect_same(unfinished->front(), c);
    }
    // There is room again.
    c.step = Step::configuring;
    EXPECT_TRUE(store->save_change(c));
    EXPECT_TRUE(store->append(std::span(&i, 1)));
    EXPECT_EQ(store->verify_audit().value(), 2);
}

}  // namespace
}  // namespace autotune
