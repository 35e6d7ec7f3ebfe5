#include <gmock/gmock.h>

#include "tests/host/control/api_fixture.hpp"

namespace autotune::host {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class BreakApi : public ApiFixture {
protected:
    void SetUp() override { ASSERT_EQ(create("shop").status, 201); }
    ApiAnswer add(const json& wish) { return send("POST", breaks, wish); }
    static inline const std::string breaks = "/autotune/breaks";
};

TEST_F(BreakApi, AddsTellsAndRemovesABreak) {
    const auto added = add({{"function", "shop"}, {"longest_ms", 60'000}});
    ASSERT_EQ(added.status, 201);
    const std::string one = breaks + "/" + added.json()["id"].get<std::string>();
    const auto told = get(one + "?seen=0");
    EXPECT_EQ(told.status, 200);
    EXPECT_EQ(told.json()["stage"], "waiting");
    EXPECT_EQ(told.json()["processes"], json::array());
    EXPECT_EQ(send("DELETE", one).status, 204);
    EXPECT_THAT(send("DELETE", one).fault(), StartsWith("404 "));
    EXPECT_THAT(get(one).fault(), StartsWith("404 "));
}

TEST_F(BreakApi, WantsAFunctionThatThereIs) {
    EXPECT_THAT(add({{"function", "shp"}}).fault(), StartsWith("404 ResourceNotFoundException"));
    EXPECT_THAT(add({{"function", "shop:nope"}}).fault(), StartsWith("404 ResourceNotFoundException"));
    EXPECT_THAT(add({{"function", "no name!"}}).fault(), StartsWith("400 "));
    EXPECT_THAT(add(json::object()).fault(), HasSubstr("'function'"));
    EXPECT_EQ(add({{"function", "arn:aws:lambda:us-east-1:000000000000:function:shop"}}).status, 201);
}

TEST_F(BreakApi, HoldsNothingForEver) {
    for (const json& longest : {json(0), json(86'400'001), json("10m"), json(-1)})
        EXPECT_EQ(add({{"function", "shop"}, {"longest_ms", longest}}).status, 400) << longest;
}

}  // namespace
}  // namespace autotune::host
