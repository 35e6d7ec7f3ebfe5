#include <gtest/gtest.h>

#include "core/endpoint.hpp"
#include "core/facts.hpp"
#include "core/fixed_string.hpp"
#include "core/invocation.hpp"
#include "core/knowledge_store.hpp"
#include "core/time.hpp"

namespace autotune {
namespace {

TEST(FixedString, CutsWhatDoesNotFitAndComparesAsText) {
    EXPECT_EQ(FixedString<4>("abcdef").view(), "abcd");
    EXPECT_LT(FixedString<8>("abc"), FixedString<8>("abd"));
    EXPECT_EQ(FixedString<8>("abc"), FixedString<8>("abc"));
    EXPECT_TRUE(FixedString<8>().empty());
}

TEST(Time, PrintsRfc3339) {
    EXPECT_EQ(to_rfc3339(WallTime(Nanos(1'500'000'000))), "1970-01-01T00:00:01.500Z");
    EXPECT_EQ(to_rfc3339(WallTime(Nanos(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(Endpoint, PrintsAsPeopleWriteIt) {
    EXPECT_EQ(to_string(ipv4_endpoint(127, 0, 0, 1, 9000)), "127.0.0.1:9000");
    EXPECT_TRUE(ipv4_endpoint(127, 0, 0, 1, 1).is_loopback());
    EXPECT_FALSE(ipv4_endpoint(10, 0, 0, 1, 1).is_loopback());
    EXPECT_EQ(to_string(Endpoint{}), "?");
}

TEST(Facts, AreFoundByNameAndUnknownUntilSet) {
    ASSERT_EQ(find_fact("fn.oom_count"), Fact::fn_oom_count);
    EXPECT_FALSE(find_fact("fn.oom_cuont"));
    FactSet f;
    EXPECT_FALSE(f.known(Fact::fn_oom_count));
    EXPECT_EQ(f.number(Fact::fn_oom_count), std::nullopt);
    f.set(Fact::fn_oom_count, std::int64_t{3});
    EXPECT_EQ(f.number(Fact::fn_oom_count), 3.0);
    f.set(Fact::fn_p95, Nanos(1'500'000'000));
    EXPECT_EQ(to_string(f[Fact::fn_p95]), "1.5s");
}

TEST(InputBucket, GroupsByPowersOfTwo) {
    EXPECT_EQ(input_bucket(0), 0u);
    EXPECT_EQ(input_bucket(6), 2u);
    EXPECT_EQ(input_bucket(7), 3u);
    EXPECT_EQ(input_bucket(1023), 10u);
}

TEST(Step, NamesRoundTrip) {
    for (int i = 0; i <= static_cast<int>(Step::closed); ++i)
        EXPECT_EQ(step_from(to_string(static_cast<Step>(i))), static_cast<Step>(i));
    EXPECT_FALSE(step_from("nearly"));
}

}  // namespace
}  // namespace autotune
