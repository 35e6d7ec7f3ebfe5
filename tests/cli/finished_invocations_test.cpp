#include "cli/finished_invocations.hpp"

#include <gtest/gtest.h>

namespace autotune::cli {
namespace {

Invocation lasted(int ms, const char* function = "orders") {
    Invocation one;
    one.id = InvocationId("id-" + std::to_string(ms));
    one.function.name = function;
    one.duration = std::chrono::milliseconds(ms);
    return one;
}

TEST(FinishedInvocations, AreKnownTheSlowestFirst) {
    FinishedInvocations all;
    for (const int ms : {3, 9, 5}) all.add(lasted(ms, ms == 9 ? "thumbnail" : "orders"));
    const auto& known = all.sorted();
    ASSERT_EQ(known.size(), 3u);
    EXPECT_EQ(known[0].id.view(), "id-9");
    EXPECT_EQ(all.function_of(known[0]), "thumbnail");
    EXPECT_EQ(known[2].id.view(), "id-3");
    EXPECT_EQ(all.functions(), (std::vector<std::string>{"orders", "thumbnail"}));
    EXPECT_EQ(all.only_counted(), 0u);
}

TEST(FinishedInvocations, AreBoundedAndKeepTheSlowest) {
    FinishedInvocations all(10);
    for (int i = 0; i < 1000; ++i) all.add(lasted(i * 7 % 1000));
    EXPECT_EQ(all.count(), 1000u);
    const auto& known = all.sorted();
    ASSERT_LE(known.size(), 10u);
    EXPECT_EQ(all.only_counted() + known.size(), 1000u);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(known[static_cast<std::size_t>(i)].duration, std::chrono::milliseconds(999 - i));
}

}  // namespace
}  // namespace autotune::cli
