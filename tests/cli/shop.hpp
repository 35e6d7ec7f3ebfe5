// A platform with four functions of which the first waits for others, and what is on record of them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "cli/regrouping.hpp"
#include "core/provider.hpp"
#include "host/control/digest.hpp"
#include "host/control/package.hpp"
#include "os/file.hpp"
#include "tests/knowledge/builders.hpp"
#include "tests/rules/recluster/builders.hpp"

namespace autotune::cli {

namespace fs = std::filesystem;

// Functions with an alias "live" on version 1, and their code.
class Shop final : public Provider {
public:
    struct Item {
        FunctionState state;
        std::map<std::string, std::string> files;
        std::string zip = {};  // instead of the files
    };
    std::map<std::string, Item> items;
    int asked = 0;

    Item& put(const std::string& name, std::uint32_t memory_mb = 1024) {
        Item& item = items[name];
        item.state.function = {"aws-lambda", name};
        item.state.config = {.memory_mb = memory_mb,
                             .timeout = std::chrono::seconds(30),
                             .runtime = "python3.11",
                             .handler = "app.main",
                             .environment = {{"STAGE", "demo"}},
                             .role = "role",
                             .architecture = "x86_64"};
        item.state.versions = {"1"};
        item.state.builds["1"] = item.state.head;
        item.state.aliases = {{.alias = "live", .stable = "1", .candidate = {}, .weight = 0, .etag = {}}};
        item.files = {{"app.py", "# " + name + "\ndef main(event, context): pass\n"}};
        return item;
    }

    std::map<std::string, Result<std::optional<std::uint32_t>>> limits;  // by function; else none

    Result<std::optional<std::uint32_t>> reserved(const FunctionRef& function) override {
        const auto found = limits.find(function.name);
        return found == limits.end() ? std::optional<std::uint32_t>() : found->second;
    }
    [[nodiscard]] std::string_view name() const override { return "aws-lambda"; }
    std::set<std::string> hidden, without_code;  // that may not be read

    [[nodiscard]] Capabilities capabilities() const override { return {}; }
    Result<std::vector<FunctionRef>> list() override { return never(); }
    Result<FunctionState> get(const FunctionRef& function) override {
        ++asked;
        if (hidden.contains(function.name)) return fail(Errc::permission_denied, "HTTP 403");
        const auto found = items.find(function.name);
        if (found == items.end()) return fail(Errc::not_found, "no such function");
        return found->second.state;
    }
    Result<Package> package(const FunctionRef& function, const Version& version) override {
        ++asked;
        if (without_code.contains(function.name)) return fail(Errc::permission_denied, "HTTP 403");
        const Item& item = items.at(function.name);
        EXPECT_EQ(version, item.state.aliases.empty() ? "$LATEST" : "1");
        std::string zip = item.zip.empty() ? host::pack({item.files.begin(), item.files.end()}).value() : item.zip;
        return Package{.zip = std::move(zip), .config = item.state.config};
    }
    Result<FunctionState> deploy(const FunctionRef&, const Package&, const Etag&) override { return never(); }
    Result<FunctionState> configure(const FunctionRef&, const ConfigDelta&, const Etag&) override { return never(); }
    Result<std::string> provide_layer(const Layer&) override { return never(); }
    Result<Version> publish(const FunctionRef&, const Etag&) override { return never(); }
    Result<Routing> route(const FunctionRef&, const Routing&) override { return never(); }
    Result<Answer> invoke(const FunctionRef&, const Qualifier&, std::string_view) override { return never(); }
    Status remove(const FunctionRef&) override { return never(); }
    Result<Observations> observe(std::string_view) override { return never(); }
    [[nodiscard]] std::string hash_of(std::string_view zip) const override { return host::sha256_base64(zip); }
    [[nodiscard]] std::vector<std::string> preview(const Change&, const FunctionState&, const CanaryPolicy*) const override { return {}; }

private:
    static Unexpected never() { return fail(Errc::internal, "nothing is changed while it is worked out"); }
};

// 40 requests: front waits for price, price for tax; front leaves mail behind.
inline rules::CallLog shop_log() {
    using namespace rules::test;
    std::string text;
    for (int t = 0; t < 40; ++t) {
        const std::string n = std::to_string(t);
        text += invocation(t, "f" + n, "", "front", 0, 200, call("price", "p" + n, 10, 150) + "," + call("mail", "m" + n, 180, 5, false)) +
                invocation(t, "p" + n, "f" + n, "price", 20, 150, call("tax", "t" + n, 30, 90)) +
                invocation(t, "t" + n, "p" + n, "tax", 40, 100 + t % 4) + invocation(t, "m" + n, "f" + n, "mail", 190, 300);
    }
    return read_log(text).value();
}

class Regrouping : public ::testing::Test {
protected:
    void SetUp() override {
        for (const char* name : {"front", "price", "tax", "mail"}) shop_.put(name);
    }
    Result<rules::Regrouped> fused() { return fuse(place_, {"aws-lambda", "front"}, shop_log()); }
    std::string why_not() {
        const auto made = fused();
        EXPECT_FALSE(made);
        return made ? "" : made.error().message;
    }
    fs::path unpacked(const Deploy& deploy) {
        const fs::path to = folder_ / "unpacked";
        std::error_code none;
        fs::remove_all(to, none);
        EXPECT_TRUE(host::unpack(read_file(deploy.package).value(), to));
        return to;
    }

    Shop shop_;
    test::TempFolder folder_;
    RegroupPlace place_{.provider = shop_, .state = folder_ / "state", .packages = folder_ / "groups"};
};

}  // namespace autotune::cli
