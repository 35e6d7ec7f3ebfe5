#include "agent/dns/dns_answer.hpp"

#include <gtest/gtest.h>

#include "tests/agent/dns/dns_message.hpp"

namespace autotune::test {
namespace {

using Told = std::vector<std::string>;

Told told(std::span<const std::byte> message) {
    Told all;
    for (const NamedAddress& known : parse_dns_answer(message)) {
        EXPECT_EQ(known.address.port, 0);
        all.push_back(known.name + " " + to_string(known.address));
    }
    return all;
}

const std::string kFour = {10, 0, 0, 7};
const std::string kOther = {10, 0, 0, 8};

TEST(DnsAnswer, NamesEveryAddressOfTheQuestion) {
    const std::string six = std::string(15, '\0') + '\1';
    const DnsMessage m = DnsMessage("db.example.com").record_of(12, 1, kFour).record_of(12, 1, kOther).record_of(12, 28, six);
    EXPECT_EQ(told(m.bytes()),
              (Told{"db.example.com 10.0.0.7:0", "db.example.com 10.0.0.8:0", "db.example.com [::1]:0"}));
}

TEST(DnsAnswer, GivesTheAddressesOfAliasesToTheNameThatWasAskedFor) {
    const DnsMessage m = DnsMessage("www.example.com")
                             .a("edge.cdn.net", kFour)  // before what leads to it
                             .cname("www.example.com", "www.cdn.net")
                             .cname("www.cdn.net", "edge.cdn.net")
                             .a("somebody.else", kOther);
    EXPECT_EQ(told(m.bytes()), Told{"www.example.com 10.0.0.7:0"});
}

TEST(DnsAnswer, EndsWhereAliasesGoRoundInCircles) {
    const DnsMessage m = DnsMessage("a.b").cname("a.b", "b.c").cname("b.c", "a.b").a("b.c", kFour);
    EXPECT_EQ(told(m.bytes()), Told{"a.b 10.0.0.7:0"});
}

TEST(DnsAnswer, ComparesNamesWithoutCaseAndTellsThemInLowerCase) {
    const DnsMessage m = DnsMessage("WwW.ExAmple.com").a("www.example.COM", kFour);
    EXPECT_EQ(told(m.bytes()), Told{"www.example.com 10.0.0.7:0"});
}

TEST(DnsAnswer, WritesWhatIsNoPlainTextAsItsNumber) {
    const DnsMessage m = DnsMessage("a b\\\xff").record_of(12, 1, kFour);
    EXPECT_EQ(told(m.bytes()), Told{"a\\032b\\092\\255 10.0.0.7:0"});
}

TEST(DnsAnswer, TellsNothingOfQueriesErrorsAndOtherQuestions) {
    EXPECT_TRUE(told(DnsMessage("a.b", 0x0100).a("a.b", kFour).bytes()).empty());   // a query
    EXPECT_TRUE(told(DnsMessage("a.b", 0x8183).a("a.b", kFour).bytes()).empty());   // no such name
    EXPECT_TRUE(told(DnsMessage("", 0x8180).a("a.b", kFour).bytes()).empty());      // no question
    EXPECT_TRUE(told(DnsMessage("a.b").record("a.b", 16, "\3txt").bytes()).empty());
    EXPECT_TRUE(told(DnsMessage("a.b").a("a.b", "123").bytes()).empty());           // no address has three bytes
}

TEST(DnsAnswer, TellsWhatIsWholeOfOneThatWasCut) {
    const DnsMessage m = DnsMessage("a.b").record_of(12, 1, kFour).record_of(12, 1, kOther);
    EXPECT_EQ(told(m.bytes().first(m.bytes().size() - 1)), Told{"a.b 10.0.0.7:0"});
    for (std::size_t size = 0; size < m.bytes().size(); ++size) EXPECT_LE(told(m.bytes().first(size)).size(), 1u);
}

TEST(DnsAnswer, RefusesPointersThatDoNotGoBack) {
    const auto here = static_cast<std::uint16_t>(DnsMessage("a.b").text().size());
    EXPECT_TRUE(told(DnsMessage("a.b").record_of(here, 1, kFour).bytes()).empty());
    EXPECT_TRUE(told(DnsMessage("a.b").record_of(0x3fff, 1, kFour).bytes()).empty());
}

TEST(DnsAnswer, LeavesOutTheLengthThatTcpPutsBefore) {
    const DnsMessage m = DnsMessage("a.b").record_of(12, 1, kFour);
    const std::string stream = std::string{'\0', static_cast<char>(m.text().size())} + m.text();
    EXPECT_EQ(told(without_length(std::as_bytes(std::span(stream)))), Told{"a.b 10.0.0.7:0"});
    EXPECT_EQ(told(without_length(m.bytes())), Told{"a.b 10.0.0.7:0"});
    EXPECT_TRUE(without_length({}).empty());
}

}  // namespace
}  // namespace autotune::test
