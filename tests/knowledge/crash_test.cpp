// The writer is killed at any moment: what it was told is durable must be there.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "builders.hpp"
#include "knowledge/sqlite_store.hpp"

namespace autotune {
namespace {

// Opens changes for ever; a byte on `out` for each that was acknowledged.
[[noreturn]] void write_for_ever(const std::filesystem::path& file, int out) {
    auto store = SqliteStore::open(file);
    if (!store) _exit(1);
    for (int n = 0;; ++n) {
        const Invocation i = test::invocation("i" + std::to_string(n), test::at_ms(n));
        if (!(*store)->append(std::span(&i, 1))) _exit(2);
        ChangeRecord c = test::change_record("token-" + std::to_string(n));
        const auto id = (*store)->open_change(c);
        if (!id) _exit(3);
        c.id = *id;
        c.step = Step::configuring;
        if (!(*store)->save_change(c)) _exit(4);
        if (write(out, "x", 1) != 1) _exit(5);
    }
}

TEST(Crash, LosesNothingThatWasAcknowledged) {
    test::TempFolder folder;
    std::size_t acknowledged = 0;
    // Each round kills a little later.
    for (int round = 1; round <= 5; ++round) {
        std::array<int, 2> ends{};
        ASSERT_EQ(pipe(ends.data()), 0);
        const auto file_of_round = folder / ("round" + std::to_string(round) + ".db").c_str();
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) write_for_ever(file_of_round, ends[1]);
        close(ends[1]);
        char byte = 0;
        acknowledged = 0;
        for (int i = 0; i < round * 7; ++i) acknowledged += static_cast<std::size_t>(read(ends[0], &byte, 1));
        ASSERT_EQ(kill(child, SIGKILL), 0);
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;
        while (read(ends[0], &byte, 1) == 1) ++acknowledged;
        close(ends[0]);

        auto store = SqliteStore::open(file_of_round);
        ASSERT_TRUE(store) << store.error().message;  // the lock of the dead is free
        const auto changes = (*store)->unfinished_changes();
        ASSERT_TRUE(changes) << changes.error().message;
        ASSERT_GE(changes->size(), acknowledged);
        EXPECT_LE(changes->size(), acknowledged + 1);
        for (std::size_t n = 0; n < acknowledged; ++n) {
            EXPECT_EQ((*changes)[n].token, "token-" + std::to_string(n));
            EXPECT_EQ((*changes)[n].step, Step::configuring);
        }
        EXPECT_GE((*store)->invocations_since({"aws-lambda", "orders"}, WallTime())->size(), acknowledged);
        const auto verified = (*store)->verify_audit();
        EXPECT_TRUE(verified) << verified.error().message;
    }
}

}  // namespace
}  // namespace autotune
