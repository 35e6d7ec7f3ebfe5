// Copies of a function at the places of a relocation.
#include "providers/copies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_platform.hpp"

namespace autotune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const FunctionRef kOrders{"fake", "orders"};

Wrap relocation(const std::string& places) {
    return {.remedy = "relocate", .settings = R"({"places":[)" + places + "]}", .words = "", .timeout = {}, .layer = "", .handler = {}};
}

// A place's platform, kept by the test: the executor gets one that only passes calls on.
class Passing final : public Provider {
public:
    explicit Passing(test::FakePlatform& to) : to_(to) {}
    std::string_view name() const override { return to_.name(); }
    Capabilities capabilities() const override { return to_.capabilities(); }
    Result<std::vector<FunctionRef>> list() override { return to_.list(); }
    Result<FunctionState> get(const FunctionRef& f) override { return to_.get(f); }
    Result<Package> package(const FunctionRef& f, const Version& v) override { return to_.package(f, v); }
    Result<FunctionState> deploy(const FunctionRef& f, const Package& p, const Etag& e) override { return to_.deploy(f, p, e); }
    Result<FunctionState> configure(const FunctionRef& f, const ConfigDelta& d, const Etag& e) override { return to_.configure(f, d, e); }
    Result<std::string> provide_layer(const Layer& l) override { return to_.provide_layer(l); }
    Result<Version> publish(const FunctionRef& f, const Etag& e) override { return to_.publish(f, e); }
    Result<Routing> route(const FunctionRef& f, const Routing& r) override { return to_.route(f, r); }
    Result<Answer> invoke(const FunctionRef& f, const Qualifier& q, std::string_view p) override { return to_.invoke(f, q, p); }
    Status remove(const FunctionRef& f) override { return to_.remove(f); }
    Result<Observations> observe(std::string_view after) override { return to_.observe(after); }
    std::string hash_of(std::string_view zip) const override { return to_.hash_of(zip); }
    std::vector<std::string> preview(const Change& c, const FunctionState& s, const CanaryPolicy* p) const override {
        return to_.preview(c, s, p);
    }

private:
    test::FakePlatform& to_;
};

class Copies : public testing::Test {
protected:
    Status provide() {
        return provide_copies({{"there", "eu-west-1", ""}}, kOrders, "1", home_,
                              [&](const Place& place) -> Result<std::unique_ptr<Provider>> {
                                  reached_.push_back(place.region);
                                  return std::unique_ptr<Provider>(std::make_unique<Passing>(there_));
                              });
    }
    test::FakePlatform home_, there_;
    std::vector<std::string> reached_;
};

TEST_F(Copies, ArePutWhereTheyAreNotAndLeftWhereTheyAre) {
    there_.somebody_changes_code();
    there_.labels = {{kCopyLabel, "orders"}};
    ASSERT_TRUE(provide());
    EXPECT_THAT(there_.effects, ElementsAre("deploy old code"));
    ASSERT_TRUE(provide());
    EXPECT_THAT(there_.effects, ElementsAre("deploy old code"));
    EXPECT_THAT(reached_, ElementsAre("eu-west-1", "eu-west-1"));
    EXPECT_THAT(home_.effects, IsEmpty());
}

TEST_F(Copies, LeaveAloneWhatSomebodyElseHasThere) {
    there_.somebody_changes_code();
    for (const std::map<std::string, std::string>& labels : {std::map<std::string, std::string>{}, {{kCopyLabel, "other"}}}) {
        there_.labels = labels;
        const Status done = provide();
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, Errc::unsupported);
        EXPECT_THAT(done.error().message, HasSubstr("no copy that autotune made"));
        EXPECT_THAT(there_.effects, IsEmpty());
    }
}

TEST(CanBeCopied, OnlyWhatIsWhole) {
    Package package;
    EXPECT_TRUE(can_be_copied(package));
    package.config.environment_is_known = false;
    EXPECT_THAT(can_be_copied(package).error().message, HasSubstr("variables cannot be read"));
    package.config.network = "vpc-1";
    EXPECT_THAT(can_be_copied(package).error().message, HasSubstr("vpc-1"));
}

TEST_F(Copies, SayWhichPlaceFailed) {
    there_.fault = [](std::string_view call, test::Moment) -> std::optional<Error> {
        if (call == "get") return Error{Errc::unavailable, "no answer"};
        return std::nullopt;
    };
    const Status done = provide();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::unavailable);
    EXPECT_THAT(done.error().message, HasSubstr("copying orders to there: no answer"));
    EXPECT_EQ(provide_copies({{"a", "b", ""}}, kOrders, "1", home_, {}).error().code, Errc::unsupported);
}

TEST_F(Copies, AreNotMadeOfWhatNeedsLayers) {
    ConfigDelta delta;
    delta.layers = std::vector<std::string>{"arn:1"};
    ASSERT_TRUE(home_.configure(kOrders, delta, ""));
    (void)home_.somebody_publishes();
    const Status done = provide_copies({{"a", "b", ""}}, kOrders, "2", home_, [&](const Place&) -> Result<std::unique_ptr<Provider>> {
        return std::unique_ptr<Provider>(std::make_unique<Passing>(there_));
    });
    EXPECT_THAT(done.error().message, HasSubstr("layers, which a copy would lack"));
}

TEST(Places, AreReadFromTheSettings) {
    const auto places = places_of(relocation(R"({"name":"n","region":"eu-west-1","endpoint":"http://x"},{"name":"m","region":"r"})"));
    ASSERT_TRUE(places);
    ASSERT_EQ(places->size(), 2u);
    EXPECT_EQ((*places)[0].endpoint, "http://x");
    EXPECT_EQ((*places)[1].endpoint, "");
    EXPECT_FALSE(places_of(relocation(R"({"region":"r"})")));
    EXPECT_TRUE(places_of(Wrap{.remedy = "cache", .settings = "{}", .words = "", .timeout = {}, .layer = "", .handler = {}})->empty());
}

}  // namespace
}  // namespace autotune
