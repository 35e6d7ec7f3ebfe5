#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/doctor/host_facts.hpp"
#include "agent/doctor/spread.hpp"
#include "agent/doctor/verdict.hpp"
#include "cli/doctor_command.hpp"
#include "cli/doctor_report.hpp"

namespace autotune::doctor {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(HostFacts, ReadKernelVersions) {
    EXPECT_EQ(parse_kernel_version("6.1.0-18-amd64"), (KernelVersion{6, 1}));
    EXPECT_EQ(parse_kernel_version("6.18.44-fc-v657"), (KernelVersion{6, 18}));
    EXPECT_EQ(parse_kernel_version("5.4"), (KernelVersion{5, 4}));
    EXPECT_LT((KernelVersion{6, 1}), (KernelVersion{6, 18}));
    EXPECT_EQ(parse_kernel_version("linux"), std::nullopt);
    EXPECT_EQ(parse_kernel_version("x.y"), std::nullopt);
}

TEST(HostFacts, ReadCapabilitiesAndSeccomp) {
    const UserFacts user =
        parse_user_facts("Name:\tautotune\nCapInh:\t0\nCapEff:\t0000008000080004\nSeccomp:\t2\n");
    EXPECT_TRUE(user.has(Capability::bpf));
    EXPECT_TRUE(user.has(Capability::sys_ptrace));
    EXPECT_TRUE(user.has(Capability::dac_read_search));
    EXPECT_FALSE(user.has(Capability::perfmon));
    EXPECT_EQ(user.seccomp, 2);
    EXPECT_FALSE(parse_user_facts("").has(Capability::bpf));
}

TEST(HostFacts, PtraceReachesAsFarAsYamaAndTheUserLetIt) {
    const UserFacts user{};
    const UserFacts root{.effective_capabilities = ~std::uint64_t{0}};
    EXPECT_EQ(ptrace_reach(user, ""), PtraceReach::own_user);
    EXPECT_EQ(ptrace_reach(user, "0"), PtraceReach::own_user);
    EXPECT_EQ(ptrace_reach(user, "1"), PtraceReach::started);
    EXPECT_EQ(ptrace_reach(user, "2"), PtraceReach::nothing);
    EXPECT_EQ(ptrace_reach(root, "2"), PtraceReach::all);
    EXPECT_EQ(ptrace_reach(root, "3"), PtraceReach::nothing);
}

TEST(HostFacts, ReadTheChosenWord) {
    EXPECT_EQ(chosen_word("none [integrity] confidentiality\n"), "integrity");
    EXPECT_EQ(chosen_word("none"), "");
    EXPECT_EQ(chosen_word("]["), "");
}

TEST(Spread, IsMedianAndPercentilesLessTheBaseline) {
    const Cost cost = spread_of("x", {50, 10, 30, 20, 40, 60, 70, 80, 90, 100, 1000}, 5);
    EXPECT_EQ(cost.median_ns, 55);
    EXPECT_EQ(cost.low_ns, 15);
    EXPECT_EQ(cost.high_ns, 95);
    EXPECT_EQ(cost.rounds, 11u);
}

TEST(Spread, NeverSaysThatAProbeSavesTime) {
    EXPECT_EQ(spread_of("x", {10}, 20).median_ns, 0);
    EXPECT_EQ(spread_of("x", {}, 0).rounds, 0u);
}

Diagnosis diagnosed(std::vector<Check> checks) {
    Diagnosis d{.kernel = "6.1.0-18-amd64 x86_64", .checks = std::move(checks)};
    conclude(d);
    return d;
}

Check check_of(std::string name, Health health, bool required = false) {
    return {.name = std::move(name),
            .health = health,
            .required = required,
            .detail = "found",
            .remedy = "do this"};
}

TEST(Verdict, UsesBpfWhenNothingThatItNeedsIsMissing) {
    const Diagnosis d = diagnosed({check_of("btf", Health::ok, true), check_of("uprobes", Health::degraded)});
    EXPECT_TRUE(d.bpf_works());
    EXPECT_THAT(d.works, Contains(HasSubstr("out-of-memory")));
    EXPECT_THAT(d.lacking, Contains(HasSubstr("single functions")));
}

TEST(Verdict, SaysWhatStillWorksWithoutBtf) {
    const Diagnosis d = diagnosed({check_of("btf", Health::missing, true), check_of("ptrace", Health::ok)});
    EXPECT_EQ(d.backend, "ptrace");
    EXPECT_THAT(d.works, Contains(HasSubstr("autotune trace -- CMD")));
    EXPECT_THAT(d.works, Contains(HasSubstr("-p PID")));
    EXPECT_THAT(d.works, Contains(HasSubstr("embedded host")));
    EXPECT_THAT(d.lacking, Contains(HasSubstr("flame graphs")));
}

TEST(Verdict, DoesNotPromiseThePtraceThatIsForbidden) {
    const Diagnosis d =
        diagnosed({check_of("btf", Health::missing, true), check_of("ptrace", Health::missing)});
    EXPECT_EQ(d.backend, "runtime");
    EXPECT_THAT(d.lacking, Contains(HasSubstr("autotune trace -- CMD")));
}

TEST(Verdict, TellsWhereOnlyProgramsThatAreStartedCanBeTraced) {
    const Diagnosis d = diagnosed({check_of("btf", Health::missing, true), check_of("ptrace", Health::ok),
                                   check_of("ptrace-attach", Health::missing)});
    EXPECT_EQ(d.backend, "ptrace");
    EXPECT_THAT(d.lacking, Contains(HasSubstr("-p PID")));
}

TEST(Verdict, LosesOnlyFlameGraphsWithoutAPerfClock) {
    const Diagnosis d = diagnosed({check_of("perf-clock", Health::degraded)});
    EXPECT_TRUE(d.bpf_works());
    EXPECT_THAT(d.lacking, Contains(HasSubstr("flame graphs")));
    EXPECT_THAT(d.works, Not(Contains(HasSubstr("flame graphs"))));
}

using cli::Colour;
using cli::doctor_table;
using cli::Marks;

TEST(DoctorTable, ShowsRemediesOnlyForWhatIsNotWell) {
    const Diagnosis d = diagnosed({check_of("btf", Health::ok, true), check_of("uprobes", Health::degraded)});
    const std::string table = doctor_table(d, Marks::unicode, Colour::off);
    EXPECT_THAT(table, HasSubstr("✓  btf"));
    EXPECT_THAT(table, HasSubstr("!  uprobes"));
    EXPECT_EQ(table.find("to get it"), table.rfind("to get it"));
    EXPECT_THAT(table, HasSubstr("backend: eBPF"));
    EXPECT_THAT(table, Not(HasSubstr("\x1b[")));
}

TEST(DoctorTable, IsPlainAsciiWhereTheTerminalIs) {
    Diagnosis d = diagnosed({check_of("btf", Health::missing, true)});
    d.costs.push_back({.operation = "… and a record", .median_ns = 30.4, .rounds = 15});
    const std::string table = doctor_table(d, Marks::ascii, Colour::off);
    for (const char c : table) ASSERT_GE(static_cast<signed char>(c), 0) << table;
    EXPECT_THAT(table, HasSubstr("X   btf"));
    EXPECT_THAT(table, HasSubstr("... and a record  30 ns"));
}

TEST(DoctorTable, ColoursWhenAsked) {
    const Diagnosis d = diagnosed({check_of("btf", Health::missing, true)});
    EXPECT_THAT(doctor_table(d, Marks::unicode, Colour::on), HasSubstr("\x1b[31m✗\x1b[0m  btf"));
}

TEST(DoctorJson, HoldsEverything) {
    Diagnosis d = diagnosed({check_of("btf", Health::missing, true), check_of("mount \xff", Health::ok)});
    d.costs.push_back({.operation = "system call alone", .median_ns = 120, .rounds = 15});
    const auto json = nlohmann::json::parse(cli::doctor_json(d));
    EXPECT_EQ(json["backend"], "ptrace");
    EXPECT_EQ(json["checks"][0]["status"], "missing");
    EXPECT_EQ(json["checks"][0]["required"], true);
    EXPECT_EQ(json["checks"][0]["remedy"], "do this");
    EXPECT_EQ(json["costs"][0]["median_ns"], 120);
    EXPECT_FALSE(json["lacking"].empty());
}

TEST(DoctorCommand, RefusesWhatItDoesNotKnow) {
    std::ostringstream out, err;
    EXPECT_EQ(cli::doctor_command(std::vector<std::string>{"--jsn"}, out, err), 2);
    EXPECT_EQ(out.str(), "");
    EXPECT_THAT(err.str(), HasSubstr("\"--jsn\""));
}

TEST(DoctorCommand, HelpsOnStandardOutput) {
    std::ostringstream out, err;
    EXPECT_EQ(cli::doctor_command(std::vector<std::string>{"--help"}, out, err), 0);
    EXPECT_THAT(out.str(), HasSubstr("usage: autotune doctor"));
}

}  // namespace
}  // namespace autotune::doctor
