#include "rules/cel/json.hpp"

#include <gtest/gtest.h>

namespace autotune::cel {
namespace {

std::string again(std::string_view json) {
    const auto value = from_json(json);
    return value ? to_json(*value) : value.error().message;
}

TEST(CelJson, EveryKindComesBackAsItWas) {
    for (const char* json :
         {R"({"null":null})", R"({"bool":true})", R"({"int":"-9223372036854775808"})",
          R"({"uint":"18446744073709551615"})", R"({"double":"0.1"})", R"({"double":"-0"})",
          R"({"double":"NaN"})", R"({"double":"-Infinity"})", R"({"string":"aé"})", R"({"bytes":"00ff"})",
          R"({"duration":{"seconds":"-1","nanos":"-500000000"}})",
          R"({"timestamp":{"seconds":"-62135596800","nanos":"1"}})", R"({"type":"google.protobuf.Duration"})",
          R"({"list":[{"int":"1"},{"list":[]}]})",
          R"({"map":[[{"string":"b"},{"int":"1"}],[{"bool":true},{"map":[]}]]})"})
        EXPECT_EQ(again(json), json);
}

TEST(CelJson, SaysWhatIsNoValueAndWhere) {
    EXPECT_EQ(again("1"), R"(a value is an object with one member that names its kind: {"int": "1"})");
    EXPECT_EQ(again(R"({"list":[{"int":"1"},{"int":"x"}]})"), R"(list[1].int: "x" is no such number)");
    EXPECT_EQ(again(R"({"bytes":"0"})"), "bytes: this is no value of a kind that CEL has");
    EXPECT_EQ(again(R"({"timestamp":{"seconds":"253402300800"}})").substr(0, 11), "timestamp: ");
    EXPECT_EQ(again(R"({"map":[[{"int":"1"},{"null":null}],[{"uint":"1"},{"null":null}]]})"),
              "map: the key 1u is in the map twice");
    EXPECT_EQ(again("{").substr(0, 8), "not JSON");
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += R"({"list":[)";
    for (int i = 0; i < 1000; ++i) deep += "]}";
    EXPECT_NE(again(deep).find("nested too deep"), std::string::npos);
}

TEST(CelJson, BindingsKeepTheirOrder) {
    const auto bindings = bindings_from_json(R"({"b": {"int": "1"}, "a": {"int": "2"}})");
    ASSERT_TRUE(bindings);
    EXPECT_EQ((*bindings)[0].first, "b");
    EXPECT_FALSE(bindings_from_json("[]"));
}

}  // namespace
}  // namespace autotune::cel
