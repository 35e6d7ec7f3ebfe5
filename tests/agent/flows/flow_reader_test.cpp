#include "agent/flows/flow_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace autotune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Read {
    Status status;
    std::vector<Flow> flows;
    FlowNames names;
    std::vector<std::string> told;
    std::uint64_t skipped = 0;

    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> out;
        for (const Flow& f : flows)
            out.push_back(std::to_string(f.start) + "-" + std::to_string(f.end) + " " +
                          std::to_string(f.source) + ">" + names.name(f.service));
        return out;
    }
};

void read(Read& out, std::string_view text, CallAddresses calls = CallAddresses::one_a_service,
          std::size_t cut = 0) {
    FlowReader reader(out.names, calls);
    out.status = reader.feed(text.substr(0, cut), out.flows);
    if (out.status) out.status = reader.feed(text.substr(cut), out.flows);
    if (out.status) out.status = reader.finish(out.flows);
    out.told = reader.told();
    out.skipped = reader.skipped();
}

TEST(FlowReader, ReadsFlowsWhateverTheOrderOfColumns) {
    Read r;
    read(r,
         "proto,end,dst_port,x,src,start,dst\r\ntcp,1.5,80,?,10.0.0.1,0.000000001,10.0.0.2\r\nudp,2,53,,10.0."
         "0.1,1.25,10.0.0.3");
    ASSERT_TRUE(r.status);
    EXPECT_THAT(r.lines(),
                ElementsAre("1-1500000000 0>10.0.0.2:80/tcp", "1250000000-2000000000 0>10.0.0.3:53/udp"));
}

TEST(FlowReader, ReadsTheUnitsThatTheColumnsName) {
    Read r;
    read(r, "start_us,end_ms,src,dst\n1655753657874176,1655753657875.5,a,b\n");
    ASSERT_TRUE(r.status);
    EXPECT_THAT(r.lines(), ElementsAre("1655753657874176000-1655753657875500000 0>b"));
}

TEST(FlowReader, ReadsCallsAsFlowsToAnAddressAService) {
    const std::string_view calls =
        "id,caller,callee,operation,caller_start_us,caller_end_us,callee_start_us,callee_end_us\n"
        "c0,,web,\"GET /a,b\",,,1,9\nc1,web,db,q,2,5,3,4\n";
    Read r;
    read(r, calls);
    ASSERT_TRUE(r.status);
    EXPECT_THAT(r.lines(), ElementsAre("1000-9000 0>web", "3000-4000 1>db"));
    EXPECT_EQ(r.names.host_of(r.flows[0].service), r.flows[1].source);

    Read one;
    read(one, calls, CallAddresses::one_for_all);
    EXPECT_THAT(one.lines(), ElementsAre("1000-9000 0>one-address:web", "3000-4000 1>one-address:db"));
    EXPECT_EQ(one.names.host_of(one.flows[0].service), one.flows[1].source);
}

TEST(FlowReader, SkipsTellsAndCountsWhatCannotBe) {
    Read r;
    read(r,
         "start,end,src,dst\n2,1,a,b\nx,1,a,b\n1,,a,b\n1,2,,b\n1,2,a,\n1\n\"1,2,a,b\n99999999999,2,a,b\n\n1,"
         "2,a,b\n");
    ASSERT_TRUE(r.status);
    EXPECT_EQ(r.flows.size(), 1u);
    EXPECT_EQ(r.skipped, 8u);
    EXPECT_THAT(r.told, ElementsAre("2: the end is before the start", "3: no time: \"x\"", "4: no time: \"\"",
                                    "5: an address is missing", "6: an address is missing",
                                    "7: no time: \"\"", "8: a quote is not closed", HasSubstr("9: no time")));
}

TEST(FlowReader, RefusesATableWithoutItsColumns) {
    Read r;
    read(r, "time,src\n1,a\n");
    EXPECT_EQ(r.status.error().code, Errc::invalid_argument);
    EXPECT_EQ(r.status.error().message,
              "1: the first line must name the columns; not there: start, end, dst");
    Read nothing;
    read(nothing, "");
    EXPECT_FALSE(nothing.status);
}

TEST(FlowReader, ReadsTheSameWhereverTheTextIsCut) {
    const std::string_view text = "start,end,src,dst\r\n1,2,a,\"b\"\"c\"\r\n\r\n3,4,d,e";
    Read whole;
    read(whole, text);
    EXPECT_THAT(whole.lines(), ElementsAre("1000000000-2000000000 0>b\"c", "3000000000-4000000000 2>e"));
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
        Read r;
        read(r, text, CallAddresses::one_a_service, cut);
        EXPECT_EQ(r.lines(), whole.lines()) << cut;
    }
}

TEST(FlowReader, IsBoundedInNames) {
    FlowNames names(2);
    FlowReader reader(names);
    std::vector<Flow> flows;
    ASSERT_TRUE(reader.feed("start,end,src,dst\n1,2,a,b\n1,2,a,c\n1,2,b,a\n", flows));
    EXPECT_EQ(flows.size(), 2u);
    EXPECT_THAT(reader.told(), ElementsAre("3: too many different names"));
}

}  // namespace
}  // namespace autotune
