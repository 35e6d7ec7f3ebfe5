#include "agent/capture/connections.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/capture/packets.hpp"

namespace autotune {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kSecond = 1'000'000'000;

class ConnectionsTest : public testing::Test {
protected:
    void tcp(unsigned from, std::uint16_t from_port, unsigned to, std::uint16_t to_port, unsigned flags, double second) {
        Segment s{at(from, from_port), at(to, to_port), true};
        s.syn = flags & syn, s.ack = flags & ack, s.fin = flags & fin, s.rst = flags & rst;
        connections_.add(s, static_cast<std::int64_t>(second * 1e9), flows_);
    }
    void udp(unsigned from, std::uint16_t from_port, unsigned to, std::uint16_t to_port, double second) {
        connections_.add({at(from, from_port), at(to, to_port)}, static_cast<std::int64_t>(second * 1e9), flows_);
    }
    std::vector<std::string> told() const {
        std::vector<std::string> out;
        for (const Flow& f : flows_) {
            const auto tenths = [](std::int64_t t) { return std::to_string(t * 10 / kSecond); };
            out.push_back(tenths(f.start) + "-" + tenths(f.end) + " " + std::to_string(f.source) + ">" + names_.name(f.service));
        }
        return out;
    }
    FlowNames names_;
    std::vector<Flow> flows_;
    Connections connections_{names_};
};

TEST_F(ConnectionsTest, GoFromSynToTheSecondFin) {
    tcp(1, 50'000, 2, 80, syn, 1);
    tcp(2, 80, 1, 50'000, syn | ack, 1.1);
    tcp(1, 50'000, 2, 80, ack | fin, 2);
    EXPECT_THAT(told(), IsEmpty()) << "the service still sends";
    tcp(2, 80, 1, 50'000, ack | fin, 3);
    EXPECT_THAT(told(), ElementsAre("10-30 0>10.0.0.2:80/tcp"));
    tcp(1, 50'000, 2, 80, ack, 3.1);
    connections_.finish(flows_);
    EXPECT_THAT(told(), SizeIs(1)) << "the last acknowledgement is no connection";
    EXPECT_EQ(connections_.counters().by_port, 0u);
}

TEST_F(ConnectionsTest, OfOnePortAgainAreTwo) {
    for (const double at : {1.0, 2.0}) {
        tcp(1, 50'000, 2, 80, syn, at);
        tcp(2, 80, 1, 50'000, rst | ack, at + 0.5);
    }
    EXPECT_THAT(told(), ElementsAre("10-15 0>10.0.0.2:80/tcp", "20-25 0>10.0.0.2:80/tcp"));
    EXPECT_EQ(connections_.counters().flows, 2u);
}

TEST_F(ConnectionsTest, WhoseBeginningWasNotCapturedAreGivenByKnownServiceElseByPort) {
    tcp(1, 50'000, 2, 60'000, syn, 1);  // so 60000 is a service
    tcp(1, 40'000, 2, 60'000, ack, 1);
    tcp(2, 60'000, 3, 30'000, ack, 1);
    tcp(4, 443, 1, 40'001, ack, 1);
    connections_.finish(flows_);
    EXPECT_THAT(told(), testing::UnorderedElementsAre("10-10 0>10.0.0.2:60000/tcp", "10-10 0>10.0.0.2:60000/tcp",
                                                      "10-10 2>10.0.0.2:60000/tcp", "10-10 0>10.0.0.4:443/tcp"));
    EXPECT_EQ(connections_.counters().by_port, 1u);
}

TEST_F(ConnectionsTest, OfUdpEndBySilenceAndTheFirstToSendIsTheClient) {
    udp(1, 5'000, 2, 8'125, 1);
    udp(2, 8'125, 1, 5'000, 2);
    udp(3, 53, 1, 5'001, 3);  // an answer whose question was not captured
    udp(1, 5'000, 2, 8'125, 33);
    EXPECT_THAT(told(), ElementsAre("10-20 0>10.0.0.2:8125/udp"));
    connections_.finish(flows_);
    EXPECT_THAT(told(), ElementsAre("10-20 0>10.0.0.2:8125/udp", "30-30 0>10.0.0.3:53/udp", "330-330 0>10.0.0.2:8125/udp"));
    EXPECT_EQ(connections_.counters().by_port, 1u);
}

TEST_F(ConnectionsTest, SurviveAClockThatRunsBackwards) {
    tcp(1, 50'000, 2, 80, syn, 1'000);
    tcp(1, 50'000, 2, 80, ack, 500);
    tcp(1, 50'000, 2, 80, ack, 1'001);
    connections_.finish(flows_);
    EXPECT_THAT(told(), ElementsAre("10000-10000 0>10.0.0.2:80/tcp", "5000-5000 0>10.0.0.2:80/tcp", "10010-10010 0>10.0.0.2:80/tcp"));
    EXPECT_EQ(connections_.counters().clock_back, 1u);
}

TEST_F(ConnectionsTest, AreWholeAgainAfterAPacketFromTheFuture) {
    tcp(1, 50'000, 2, 80, syn, 2'000);
    tcp(2, 80, 1, 50'000, rst, 2'000);
    for (int i = 0; i < 20; ++i) tcp(1, 50'001, 2, 80, i == 0 ? syn : ack, 1'600 + i);
    for (int i = 0; i < 3; ++i) tcp(1, 50'001, 2, 80, ack, 1'619 - i);  // a little back is nothing
    connections_.finish(flows_);
    EXPECT_THAT(told(), ElementsAre("20000-20000 0>10.0.0.2:80/tcp", "16000-16190 0>10.0.0.2:80/tcp"));
}

TEST_F(ConnectionsTest, ASynTellsTheDirectionThoughAPacketCameBeforeIt) {
    tcp(1, 40'000, 2, 50'051, ack, 1);
    tcp(1, 40'000, 2, 50'051, syn, 1);
    connections_.finish(flows_);
    EXPECT_THAT(told(), ElementsAre("10-10 0>10.0.0.2:50051/tcp"));
    EXPECT_EQ(connections_.counters().by_port, 0u);
}

TEST_F(ConnectionsTest, OfUdpMakeNoServiceOfWhoIsAnswered) {
    udp(2, 8'125, 1, 5'000, 1);  // the question was not captured
    udp(1, 5'000, 3, 9'000, 2);
    udp(1, 5'000, 2, 8'125, 60);
    connections_.finish(flows_);
    EXPECT_THAT(told(), ElementsAre("10-10 0>10.0.0.1:5000/udp", "20-20 1>10.0.0.3:9000/udp", "600-600 1>10.0.0.2:8125/udp"));
}

TEST_F(ConnectionsTest, BeyondTheBoundTheMostSilentEndsAndIsCounted) {
    Connections few(names_, 2);
    for (std::uint16_t port = 1; port <= 4; ++port) {
        Segment s{at(1, static_cast<std::uint16_t>(50'000 + port)), at(2, 80), true, true};
        few.add(s, port * kSecond, flows_);
    }
    EXPECT_THAT(told(), ElementsAre("10-10 0>10.0.0.2:80/tcp", "20-20 0>10.0.0.2:80/tcp"));
    EXPECT_EQ(few.counters().forgotten, 2u);
    few.finish(flows_);
    EXPECT_THAT(flows_, SizeIs(4));
}

TEST(Connections, BeyondTheNamesAreCounted) {
    FlowNames one(1);
    Connections connections(one);
    std::vector<Flow> flows;
    connections.add({at(1, 1'000), at(2, 80), true, true}, 0, flows);
    connections.finish(flows);
    EXPECT_THAT(flows, IsEmpty());
    EXPECT_EQ(connections.counters().nameless, 1u);
}

}  // namespace
}  // namespace autotune
