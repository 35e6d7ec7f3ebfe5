#include "agent/logs/log_source.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "agent/logs/trace_line.hpp"

namespace autotune {
namespace {

namespace fs = std::filesystem;

class FixedClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override { return from_ns(50'000'000'000'000'000); }
    [[nodiscard]] WallTime wall() const override { return WallTime(Nanos(1'800'000'000'000'000'000)); }
};

class Logs : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = "/tmp/autotune-logs-XXXXXX";
        folder_ = mkdtemp(pattern.data());
        const std::string command = PYTHON3 " " MAKE_LOGS " " + folder_.string();
        ASSERT_EQ(std::system(command.c_str()), 0);
    }
    void TearDown() override { fs::remove_all(folder_); }

    // Reads it to its end.
    LogSource& open(const std::vector<std::string>& names, LogEnd end = LogEnd::ends) {
        std::vector<fs::path> files;
        for (const std::string& name : names) files.push_back(folder_ / name);
        source_ = std::make_unique<LogSource>(LogSourceOptions{.files = files, .end = end, .clock = &clock_});
        const Status started = source_->start();
        EXPECT_TRUE(started) << started.error().message;
        return *source_;
    }
    void drain() {
        for (;;) {
            const auto polled = source_->poll(Nanos(0), batch_);
            ASSERT_TRUE(polled) << polled.error().message;
            if (polled->state != PollState::ready) return;
        }
    }
    void write(const std::string& name, const std::string& text, std::ios::openmode mode = std::ios::app) {
        std::ofstream(folder_ / name, mode) << text;
    }

    template <class Body>
    [[nodiscard]] std::vector<Body> of() const {
        std::vector<Body> all;
        for (const Event& event : batch_.events)
            if (const auto* body = std::get_if<Body>(&event.body)) all.push_back(*body);
        return all;
    }
    [[nodiscard]] std::string text(StringId id) const { return std::string(batch_.tables.strings[id]); }
    void expect_three_calls() const {
        const auto started = of<InvocationStarted>();
        const auto ended = of<InvocationEnded>();
        ASSERT_EQ(started.size(), 3U);
        ASSERT_EQ(ended.size(), 3U);
        EXPECT_EQ(text(started[0].function), "hello");
        EXPECT_EQ(text(started[1].qualifier), "external:lambda");
        EXPECT_EQ(text(started[2].function), "a,b");
        EXPECT_EQ(ended[0].kind, EndKind::response);
        EXPECT_EQ(ended[1].kind, EndKind::error);
        EXPECT_EQ(batch_.events[1].at - batch_.events[0].at, Nanos(12'345'000));
        for (const Event& event : batch_.events) {
            EXPECT_EQ(event.by, Backend::provider_log);
            EXPECT_LT(event.process.pid, 0) << "a process of nobody";
        }
    }

    FixedClock clock_;
    fs::path folder_;
    std::unique_ptr<LogSource> source_;
    EventBatch batch_;
};

TEST_F(Logs, InCsvAndSqliteGiveTheSameInvocationsPlainOrCompressed) {
    for (const char* name : {"snafu.csv", "snafu.csv.gz", "snafu.sqlite", "snafu.sqlite.gz"}) {
        SCOPED_TRACE(name);
        batch_.events.clear();
        open({name});
        drain();
        expect_three_calls();
        EXPECT_EQ(source_->skipped(), 0U);
    }
}

TEST_F(Logs, OfTheTracingExecutorGiveEveryCall) {
    for (const char* suffix : {"", ".gz"}) {
        batch_.events.clear();
        open({std::string("trace_log-shop-251103-1407-0123abcd.log") + suffix});
        drain();
        const auto calls = of<CallDone>();
        ASSERT_EQ(calls.size(), 4U);
        EXPECT_EQ(calls[0].duration, Nanos(1'500'000));
        EXPECT_EQ(calls[1].how, CallEnd::raised);
        EXPECT_EQ(calls[2].duration, Nanos(954));
        EXPECT_EQ(calls[3].depth, 0U);
        const Frame& frame = batch_.tables.frames[calls[0].function];
        EXPECT_EQ(text(frame.name), "load");
        EXPECT_EQ(text(frame.file), "/f/shop.py");
        EXPECT_EQ(frame.kind, FrameKind::python);
        const auto started = of<InvocationStarted>();
        ASSERT_EQ(started.size(), 1U);
        EXPECT_EQ(text(started[0].function), "shop");
        EXPECT_EQ(started[0].id.view(), "0123abcd");
        EXPECT_EQ(of<InvocationEnded>().size(), 1U);
        EXPECT_EQ(of<IoDone>().size(), 2U);
        EXPECT_EQ(source_->skipped(), 0U);
    }
}

TEST_F(Logs, ThatGrowAreFollowed) {
    open({"snafu.csv", "snafu.sqlite"}, LogEnd::followed);
    drain();
    batch_.events.clear();
    write("snafu.csv", "s,half,1.");
    drain();
    EXPECT_TRUE(batch_.events.empty()) << "half a line is none";
    write("snafu.csv", "000,True\n");
    drain();
    ASSERT_EQ(of<InvocationStarted>().size(), 1U);
    EXPECT_EQ(text(of<InvocationStarted>()[0].function), "half");
    const std::string insert = PYTHON3 " -c \"import sqlite3; c=sqlite3.connect('" +
                               (folder_ / "snafu.sqlite").string() +
                               "'); c.execute(\\\"INSERT INTO log VALUES('','late',2,'True')\\\"); c.commit()\"";
    ASSERT_EQ(std::system(insert.c_str()), 0);
    drain();
    ASSERT_EQ(of<InvocationStarted>().size(), 2U);
    EXPECT_EQ(text(of<InvocationStarted>()[1].function), "late");
}

TEST_F(Logs, ThatAreReplacedOrCutAreReadAnew) {
    open({"snafu.csv"}, LogEnd::followed);
    drain();
    batch_.events.clear();
    write("snafu.csv", "s,anew,1.000,True\n", std::ios::trunc);
    drain();
    ASSERT_EQ(of<InvocationStarted>().size(), 1U);
    EXPECT_EQ(text(of<InvocationStarted>()[0].function), "anew");
    write("other", "s,rotated,1.000,True\n");
    fs::rename(folder_ / "other", folder_ / "snafu.csv");
    drain();
    ASSERT_EQ(of<InvocationStarted>().size(), 2U);
    EXPECT_EQ(text(of<InvocationStarted>()[1].function), "rotated");
}

TEST_F(Logs, BadLinesAreSkippedCountedAndToldByLine) {
    write("snafu.csv", "garbage\ns,good,1.000,True\ns,bad,x,True\n");
    open({"snafu.csv"});
    drain();
    EXPECT_EQ(of<InvocationStarted>().size(), 4U);
    EXPECT_EQ(source_->skipped(), 2U);
    const std::string name = (folder_ / "snafu.csv").string();
    EXPECT_EQ(source_->problems(),
              (std::vector<std::string>{name + ":4: source,function,duration,success was expected",
                                        name + ":6: a duration in milliseconds was expected, not \"x\""}));
    std::uint64_t lost = 0;
    for (const Lost& one : of<Lost>()) lost += one.count;
    EXPECT_EQ(lost, 2U);
}

TEST_F(Logs, ALineWithoutEndIsOneAtTheEnd) {
    write("snafu.csv", "s,last,1.000,True");
    open({"snafu.csv"});
    drain();
    EXPECT_EQ(of<InvocationStarted>().size(), 4U);
}

TEST_F(Logs, ACompressedFileThatIsCutSaysSo) {
    fs::resize_file(folder_ / "snafu.csv.gz", fs::file_size(folder_ / "snafu.csv.gz") - 9);
    open({"snafu.csv.gz"});
    drain();
    ASSERT_EQ(source_->problems().size(), 1U);
    EXPECT_NE(source_->problems()[0].find("ends in the middle"), std::string::npos);
}

TEST_F(Logs, OfNoUseAreOneClearLine) {
    const auto refusal = [&](const fs::path& path) {
        const Status s = LogSource({.files = {path}}).start();
        return s ? std::string() : s.error().message;
    };
    EXPECT_EQ(refusal(folder_ / "absent"), "reading " + (folder_ / "absent").string() + ": No such file or directory");
    EXPECT_EQ(refusal(folder_), "reading " + folder_.string() + ": Is a directory");
    write("broken.sqlite", std::string("SQLite format 3\0garbage", 23));
    EXPECT_NE(refusal(folder_ / "broken.sqlite").find("broken.sqlite: "), std::string::npos);
    EXPECT_EQ(LogSource({}).start().error().message, "no log file was named");
}

TEST(LogFormat, IsToldByContentAndName) {
    EXPECT_EQ(log_format_of("x", "SQLite format 3"), LogFormat::call_sqlite);
    EXPECT_EQ(log_format_of("x", "call from \t to /a.py.f\n…"), LogFormat::trace);
    EXPECT_EQ(log_format_of("trace_log-f-251103-1407-0123abcd.log", ""), LogFormat::trace);
    EXPECT_EQ(log_format_of("x", ",f,1.000,True\n…"), LogFormat::call_csv);
    EXPECT_EQ(log_format_of("x", "something else"), std::nullopt);
}

}  // namespace
}  // namespace autotune
