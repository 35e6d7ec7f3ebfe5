#include "tests/exporters/render/golden.hpp"

#include <gtest/gtest.h>

#include "exporters/render/flame_svg.hpp"
#include "exporters/render/folded.hpp"
#include "exporters/render/graph.hpp"
#include "exporters/render/json.hpp"
#include "tests/support/profiles.hpp"

namespace autotune::render {
namespace {

using testing::expect_golden;

Profile orders() {
    return testing::profile_of(
        {{{"main"}, 10'000'000},
         {{"main", "handler", "json.loads"}, 40'000'000},
         {{"main", "handler", "math.multiply"}, 930'000'000},
         {{"main", "handler", "math.multiply", "libc.so.6+0x16f2a0"}, 20'000'000},
         {{"main", "std::vector<int>::push_back(int const&) & \"friends\""}, 250'000'000}},
        "orders (on-CPU)", 20'000'000);
}

ServiceGraph shop() {
    return {.nodes = {{"127.0.0.1:9000", NodeKind::external},
                      {"checkout", NodeKind::function},
                      {"prices", NodeKind::function},
                      {"stock \"server\"", NodeKind::process}},
            .edges = {{1, 0, 4, 0, 0, 400, 800, Nanos(8'000'000)},
                      {1, 2, 2, 2, 0, 0, 0, Nanos(0)},
                      {1, 3, 10, 0, 3, 12'345, 67'890, Nanos(1'500'000'000)}}};
}

Invocation invocation() {
    Invocation i;
    i.id = "8f5e4a9c-0d5c-4a64-9b5b-0f4d8f9f2a11";
    i.function = {"aws-lambda", "orders"};
    i.version = "7";
    i.qualifier = "live";
    i.trace_id = "Root=1-5759e988-bd862e3fe1be46a994272793";
    i.process = {4242, 99};
    i.cgroup = CgroupId(1234);
    i.wall_start = WallTime(Nanos(1'795'228'527'123'000'000));
    i.duration = Nanos(250'500'000);
    i.time_limit = std::chrono::seconds(3);
    i.status = InvocationStatus::out_of_memory;
    i.cold = true;
    i.init = Nanos(80'000'000);
    i.cpu = Nanos(200'000'000);
    i.thread = {.wall = i.duration, .on_cpu = i.cpu, .minor_faults = 12, .major_faults = 1};
    i.thread.off_cpu[static_cast<std::size_t>(WaitCause::network)] = Nanos(50'500'000);
    i.memory_peak = i.memory_limit = 128 << 20;
    i.memory_mb = 128;
    i.request_bytes = 17;
    i.peers = {{.peer = ipv4_endpoint(10, 0, 0, 9, 5432),
                .name = "db",
                .connects = 1,
                .calls = 2,
                .bytes_sent = 300}};
    i.files = {{.path = "/tmp/not utf-8: \xff", .opens = 1, .bytes_read = 4096}};
    return i;
}

FunctionFacts facts() {
    FunctionFacts f;
    f.function = {"aws-lambda", "orders"};
    f.labels = {{"tier", "prod"}};
    f.from = Timestamp(std::chrono::seconds(100));
    f.to = Timestamp(std::chrono::seconds(160));
    f.fn.set(Fact::fn_name, std::string("orders"));
    f.fn.set(Fact::fn_invocations, std::int64_t{20});
    f.fn.set(Fact::fn_error_rate, 0.25);
    f.fn.set(Fact::fn_p95, Nanos(250'000'000));
    f.deps.emplace_back();
    f.deps[0].set(Fact::dep_name, std::string("db"));
    f.last_oom = Timestamp(std::chrono::milliseconds(150'500));
    f.hottest_frame = "math.multiply";
    f.hottest_share = 0.75;
    return f;
}

TEST(Golden, FoldedStacks) { expect_golden("orders.folded", folded(orders())); }
TEST(Golden, FlameGraph) { expect_golden("orders.svg", flame_svg(orders(), {.subtitle = "15 invocations"})); }
TEST(Golden, EmptyFlameGraph) { expect_golden("empty.svg", flame_svg({.title = "nothing"})); }
TEST(Golden, GraphAsDot) { expect_golden("shop.dot", graph_dot(shop())); }
TEST(Golden, GraphAsMermaid) { expect_golden("shop.mmd", graph_mermaid(shop())); }
TEST(Golden, GraphAsJson) { expect_golden("shop.json", graph_json(shop())); }
TEST(Golden, InvocationAsJson) { expect_golden("invocation.json", invocation_json(invocation())); }
TEST(Golden, FactsAsJson) { expect_golden("facts.json", facts_json(facts())); }

}  // namespace
}  // namespace autotune::render
